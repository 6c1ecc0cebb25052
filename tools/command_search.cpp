#include <istream>
#include <optional>
#include <ostream>

#include "data/utf8.hpp"
#include "schema/folder.hpp"
#include "search/answer_json.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/relevance.hpp"
#include "tools/results_page.hpp"

namespace argosy {
namespace {

struct shown_answer {
  std::string query;
  search_answer found;
};

std::string channel_text(const found_product& product) {
  std::string text;
  for (std::size_t c = 0; c < std::size(channel_names); ++c)
    if ((product.channels >> c & 1) != 0) text += (text.empty() ? "" : "+") + std::string(channel_names[c]);
  return text + (product.within ? "" : ", beyond");
}

// "only: brand Nike; category Casual Shoes or 2 more"
std::string restricted_text(std::span<const restriction> restricted) {
  std::string text;
  for (const restriction& one : restricted) {
    text += (text.empty() ? "only: " : "; ") + one.field + " " + one_line(one.values.front());
    if (one.values.size() > 1) text += " or " + std::to_string(one.values.size() - 1) + " more";
    text += " (" + one_line(one.text) + ")";
  }
  return text;
}

void print_ranked(const shown_answer& answer, const live_generation& from, std::ostream& out) {
  text_table table(true);
  table.add({"  rank", "score", "channel", "id", "title"});
  for (std::size_t i = 0; i < answer.found.products.size(); ++i) {
    const found_product& found = answer.found.products[i];
    const product_facts facts = from.facts(found.row);
    table.add({"  " + std::to_string(i + 1), fixed(found.score, 4), channel_text(found), one_line(facts.id), one_line(facts.title)});
  }
  out << one_line(answer.query) << (answer.found.from_pairs ? "  (pair table)" : "") << '\n';
  if (!answer.found.restricted.empty()) out << "  " << restricted_text(answer.found.restricted) << '\n';
  if (answer.found.products.empty()) {
    out << "  no product\n";
  } else {
    table.print(out);
  }
  out << '\n';
}

answered_query for_page(const shown_answer& answer) {
  answered_query shown{answer.query, {}};
  for (const found_product& found : answer.found.products) shown.hits.push_back({found.row, static_cast<float>(found.score)});
  return shown;
}

class search_command {
public:
  search_command(const search_command_options& options, const search_request& request, const console& io, searcher from)
      : options_(&options), request_(request), io_(&io), searcher_(std::move(from)) {}

  status run() {
    if (options_->query) {
      ARGOSY_TRY(answer(*options_->query));
    } else {
      answer_lines();
    }
    if (!options_->html.empty()) ARGOSY_TRY(write_page());
    if (failed_ == 0) return {};
    return {errc::invalid_argument, grouped(failed_) + " of " + counted(lines_, "line") + " could not be answered"};
  }

private:
  void answer_lines() {
    std::string line;
    while (std::getline(io_->in, line)) {
      ++lines_;
      if (line.ends_with('\r')) line.pop_back();
      if (line.empty()) continue;
      if (const status end = answer(line); !end.ok()) report(line, end);
    }
  }

  // Every line has its object.
  void report(const std::string& query, const status& failure) {
    ++failed_;
    if (options_->json) io_->out << json_text({{"query", query}, {"error", failure.message()}}) << std::endl;
    io_->err << "argosy: " << failure.within("line " + std::to_string(lines_)).text() << std::endl;
  }

  status answer(const std::string& query) {
    if (query.empty()) return {errc::invalid_argument, "the query is empty"};
    ARGOSY_ASSIGN(search_answer found, find(query));
    const shown_answer answered{query, std::move(found)};
    if (options_->json) {
      io_->out << answer_text(query, answered.found, searcher_.live()) << std::endl;
    } else {
      print_ranked(answered, searcher_.live(), io_->out);
    }
    if (!options_->html.empty()) answers_.push_back(for_page(answered));
    return {};
  }

  // Kept beforehand, or searched for.
  result<search_answer> find(const std::string& query) {
    product_search products(searcher_);
    if (!options_->live) {
      ARGOSY_ASSIGN(auto known, products.known(query, request_));
      if (known) return std::move(*known);
    }
    ARGOSY_ASSIGN(auto answers, products.answer(std::span(&query, 1), request_));
    return std::move(answers.front());
  }

  status write_page() const {
    std::optional<image_source> images;
    if (!options_->images.empty()) {
      ARGOSY_ASSIGN(images, image_source::open(options_->images));
    }
    const results_page page{"What the store answers", &searcher_.live(), images ? &*images : nullptr};
    const drawn_page drawn = page_of(page, answers_);
    ARGOSY_TRY(replace_file(options_->html, drawn.html));
    io_->err << options_->html.string() << ": " << counted(answers_.size(), "query", "queries") << ", " << grouped(drawn.pictures) << " of "
             << counted(drawn.results, "result") << (drawn.results == 1 ? " has a picture" : " have a picture")
             << (images ? "" : "; --images names where the pictures are") << std::endl;
    return {};
  }

  const search_command_options* options_;
  search_request request_;
  const console* io_;
  searcher searcher_;
  std::vector<answered_query> answers_;
  std::uint64_t lines_ = 0, failed_ = 0;
};

}  // namespace

status run_search(const search_command_options& options, const console& io) {
  if (options.k == 0) return {errc::invalid_argument, "-k: want at least 1, got 0"};
  ARGOSY_ASSIGN(const search_request request, request_of(options.relevance, options.k));
  ARGOSY_ASSIGN(searcher from, searcher::open(options.store, options.threads));
  return search_command(options, request, io, std::move(from)).run();
}

}  // namespace argosy

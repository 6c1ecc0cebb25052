#include <istream>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "data/utf8.hpp"
#include "schema/folder.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/results_page.hpp"
#include "tools/searcher.hpp"

namespace argosy {
namespace {

std::string json_line(const answered_query& answer, const generation& from) {
  auto results = nlohmann::ordered_json::array();
  for (const hit& found : answer.hits) {
    const product_facts facts = from.facts(found.row);
    results.push_back({{"id", facts.id}, {"score", found.score}, {"title", facts.title}});
  }
  const nlohmann::ordered_json object{{"query", answer.query}, {"results", std::move(results)}};
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void print_ranked(const answered_query& answer, const generation& from, std::ostream& out) {
  text_table table(true);
  table.add({"  rank", "score", "id", "title"});
  for (std::size_t i = 0; i < answer.hits.size(); ++i) {
    const product_facts facts = from.facts(answer.hits[i].row);
    table.add({"  " + std::to_string(i + 1), fixed(answer.hits[i].score, 4), one_line(facts.id), one_line(facts.title)});
  }
  out << one_line(answer.query) << '\n';
  table.print(out);
  out << '\n';
}

class search_command {
public:
  search_command(const search_command_options& options, const console& io, searcher from)
      : options_(&options), io_(&io), searcher_(std::move(from)) {}

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
      if (const status end = answer(line); !end.ok()) report(end);
    }
  }

  void report(const status& failure) {
    ++failed_;
    io_->err << "argosy: " << failure.within("line " + std::to_string(lines_)).text() << std::endl;
  }

  status answer(const std::string& query) {
    if (query.empty()) return {errc::invalid_argument, "the query is empty"};
    ARGOSY_ASSIGN(std::vector<hit> hits, searcher_.search(query, options_->k));
    const answered_query answered{query, std::move(hits)};
    if (options_->json) {
      io_->out << json_line(answered, searcher_.current()) << std::endl;
    } else {
      print_ranked(answered, searcher_.current(), io_->out);
    }
    if (!options_->html.empty()) answers_.push_back(answered);
    return {};
  }

  status write_page() const {
    std::optional<image_source> images;
    if (!options_->images.empty()) {
      ARGOSY_ASSIGN(images, image_source::open(options_->images));
    }
    const results_page page{"What the store answers", &searcher_.current(), images ? &*images : nullptr};
    const drawn_page drawn = page_of(page, answers_);
    ARGOSY_TRY(replace_file(options_->html, drawn.html));
    io_->err << options_->html.string() << ": " << counted(answers_.size(), "query", "queries") << ", " << grouped(drawn.pictures) << " of "
             << counted(drawn.results, "result") << (drawn.results == 1 ? " has a picture" : " have a picture")
             << (images ? "" : "; --images names where the pictures are") << std::endl;
    return {};
  }

  const search_command_options* options_;
  const console* io_;
  searcher searcher_;
  std::vector<answered_query> answers_;
  std::uint64_t lines_ = 0, failed_ = 0;
};

}  // namespace

status run_search(const search_command_options& options, const console& io) {
  if (options.k == 0) return {errc::invalid_argument, "-k: want at least 1, got 0"};
  ARGOSY_ASSIGN(searcher from, searcher::open(options.store, options.threads));
  return search_command(options, io, std::move(from)).run();
}

}  // namespace argosy

#include "tools/channel_evaluation.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>
#include <unordered_map>

#include "actors/evaluation.hpp"
#include "data/records.hpp"
#include "data/text.hpp"
#include "tools/format.hpp"
#include "tools/relevance.hpp"

namespace argosy {
namespace {

constexpr double least_click_share = 0.1;

using category_set = std::set<std::uint32_t>;

struct intents {
  std::vector<category_set> of;  // of each judged query
  std::uint64_t from_log = 0, from_judgements = 0;
};

struct measured_channel {
  std::string channel;
  bool restricted = false;
  std::vector<evaluated_part> parts;
  double p_cate = 0;
  std::uint64_t restricted_queries = 0;
};

// The words of a query, sorted, as a key.
result<std::string> sorted_key(const searcher& from, const std::string& query) {
  ARGOSY_ASSIGN(auto words, from.words(query));
  sort_words(words);
  std::string key;
  for (const auto& word : words) key += word + ' ';
  return key;
}

class category_statistics {
public:
  category_statistics(const evaluate_options& options, const judgements& judged, const searcher& from)
      : options_(options), judged_(judged), from_(from) {}

  result<intents> find(std::span<const judged_answer> relevant) {
    if (!options_.log.empty()) ARGOSY_TRY(count_clicks());
    intents found;
    for (std::size_t q = 0; q < judged_.queries.size(); ++q) {
      category_set categories = of_clicks(judged_.queries[q].text);
      ++(categories.empty() ? found.from_judgements : found.from_log);
      if (categories.empty())
        for (const std::uint32_t row : relevant[q].relevant) categories.insert(by_row_[row].begin(), by_row_[row].end());
      found.of.push_back(std::move(categories));
    }
    return found;
  }

  status read_categories() {
    const terms* known = from_.current().catalogue_terms();
    if (known == nullptr) return {errc::unavailable, options_.store.string() + ": published without fields: publish it again"};
    ARGOSY_ASSIGN(const std::string field, normalise_text(options_.category));
    ARGOSY_ASSIGN(by_row_, known->values_by_row(field));
    return {};
  }

  bool has_any(std::uint32_t row, const category_set& wanted) const {
    return std::any_of(by_row_[row].begin(), by_row_[row].end(), [&](std::uint32_t value) { return wanted.contains(value); });
  }

private:
  // Only of the judged queries: the log is long.
  status count_clicks() {
    for (const judged_query& query : judged_.queries)
      if (const auto key = sorted_key(from_, query.text); key.ok()) clicks_[*key];
    std::unordered_map<std::string_view, std::uint32_t> row_of;
    for (std::size_t row = 0; row < by_row_.size(); ++row) row_of.emplace(from_.current().facts(row).id, static_cast<std::uint32_t>(row));
    const auto take = [&](std::uint64_t, const log_record& record) -> status {
      const auto row = row_of.find(record.product_id);
      const auto key = sorted_key(from_, record.query);
      if (row == row_of.end() || !key.ok()) return {};
      if (const auto counts = clicks_.find(*key); counts != clicks_.end())
        for (const std::uint32_t category : by_row_[row->second]) ++counts->second[category];
      return {};
    };
    return read_log(options_.log, take, [](const refusal&) {});
  }

  category_set of_clicks(const std::string& query) const {
    category_set categories;
    const auto key = sorted_key(from_, query);
    const auto counts = key.ok() ? clicks_.find(*key) : clicks_.end();
    if (counts == clicks_.end()) return categories;
    std::uint64_t all = 0;
    for (const auto& [category, count] : counts->second) all += count;
    for (const auto& [category, count] : counts->second)
      if (static_cast<double>(count) >= least_click_share * static_cast<double>(all)) categories.insert(category);
    return categories;
  }

  const evaluate_options& options_;
  const judgements& judged_;
  const searcher& from_;
  std::vector<std::vector<std::uint32_t>> by_row_;                                  // categories of a product
  std::unordered_map<std::string, std::map<std::uint32_t, std::uint64_t>> clicks_;  // by sorted words and category
};

// Over queries with an intent; what is missing of ten products counts as beside it.
double p_cate_of(std::span<const search_answer> answers, const intents& wanted, const category_statistics& categories) {
  double sum = 0;
  std::size_t queries = 0;
  for (std::size_t q = 0; q < answers.size(); ++q) {
    if (wanted.of[q].empty()) continue;
    ++queries;
    std::size_t right = 0;
    for (std::size_t i = 0; i < std::min(precision_at, answers[q].products.size()); ++i)
      right += categories.has_any(answers[q].products[i].row, wanted.of[q]) ? 1 : 0;
    sum += static_cast<double>(right) / static_cast<double>(precision_at);
  }
  return queries == 0 ? 0 : sum / static_cast<double>(queries);
}

struct comparison {
  std::vector<measured_channel> rows;
  intents wanted;
  std::uint64_t unanswerable = 0;
};

result<comparison> compare(const evaluate_options& options, const judgements& judged, searcher& from) {
  if (from.live().changed())
    return status(errc::unavailable, options.store.string() + ": products have changed since it was published: `argosy compact` it first");
  const generation& store = from.current();
  auto rows = rows_of(judged, store.products(), [&](std::size_t row) { return store.facts(row).id; });
  category_statistics categories(options, judged, from);
  ARGOSY_TRY(categories.read_categories());
  comparison made;
  ARGOSY_ASSIGN(made.wanted, categories.find(rows.answers));
  std::vector<std::string> queries;
  for (const judged_query& query : judged.queries) queries.push_back(query.text);
  const std::size_t longest = std::max(precision_at, *std::max_element(options.recall_at.begin(), options.recall_at.end()));
  for (const char* channel : {"semantic", "lexical", "hybrid"}) {
    for (const bool restricted : {false, true}) {
      relevance_options how = options.relevance;
      how.channel = channel;
      how.no_restrict = !restricted;
      ARGOSY_ASSIGN(const search_request request, request_of(how, longest));
      made.unanswerable = 0;
      ARGOSY_ASSIGN(const auto answers, product_search(from).answer(queries, request, &made.unanswerable));
      measured_channel row{channel, restricted, {}, p_cate_of(answers, made.wanted, categories), 0};
      for (std::size_t q = 0; q < answers.size(); ++q) {
        rows.answers[q].ranked.clear();
        for (const found_product& found : answers[q].products) rows.answers[q].ranked.push_back(found.row);
        row.restricted_queries += answers[q].restricted.empty() ? 0 : 1;
      }
      row.parts = measure_parts(judged, rows.answers, options.recall_at);
      made.rows.push_back(std::move(row));
    }
  }
  return made;
}

void print_json(const comparison& made, std::ostream& out) {
  auto rows = nlohmann::ordered_json::array();
  for (const measured_channel& row : made.rows) {
    nlohmann::ordered_json object{
        {"channel", row.channel}, {"restricted", row.restricted}, {"restricted_queries", row.restricted_queries}, {"p_cate", row.p_cate}};
    object.update(json_of(row.parts));
    rows.push_back(std::move(object));
  }
  const nlohmann::ordered_json object{{"rows", std::move(rows)},
                                      {"intents_from_log", made.wanted.from_log},
                                      {"intents_from_judgements", made.wanted.from_judgements},
                                      {"unanswerable_queries", made.unanswerable}};
  out << object.dump(2) << '\n';
}

void print_table(const comparison& made, std::ostream& out) {
  text_table table;
  std::vector<std::string> head{"", "restricted queries"};
  for (const auto& part : made.rows.front().parts)
    for (const auto& [k, value] : part.metrics.recall)
      if (part.name == "all" || k == precision_at)
        head.push_back(part.name == "all" ? "recall@" + std::to_string(k) : part.name + " @" + std::to_string(k));
  for (const std::string name : {"precision@10", "P_cate"}) head.push_back(name);
  table.add(head);
  for (const measured_channel& row : made.rows) {
    std::vector<std::string> line{row.channel + (row.restricted ? ", restricted" : ""),
                                  row.restricted ? grouped(row.restricted_queries) : ""};
    for (const auto& part : row.parts)
      for (const auto& [k, value] : part.metrics.recall)
        if (part.name == "all" || k == precision_at) line.push_back(fixed(value, 4));
    line.push_back(fixed(row.parts.front().metrics.precision.at(precision_at), 4));
    line.push_back(fixed(row.p_cate, 4));
    table.add(line);
  }
  table.print(out);
  out << "queries: " << grouped(made.rows.front().parts.front().metrics.queries)
      << "; intent categories from the log's clicks: " << grouped(made.wanted.from_log)
      << ", from the products judged relevant: " << grouped(made.wanted.from_judgements) << '\n';
}

}  // namespace

status evaluate_channels(const evaluate_options& options, const judgements& judged, searcher& from, const console& io) {
  ARGOSY_ASSIGN(const comparison made, compare(options, judged, from));
  if (options.json) {
    print_json(made, io.out);
  } else {
    print_table(made, io.out);
  }
  return {};
}

}  // namespace argosy

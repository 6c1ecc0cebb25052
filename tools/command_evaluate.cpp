#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <unordered_map>

#include "index/metrics.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/judgements.hpp"
#include "tools/searcher.hpp"

namespace argosy {
namespace {

constexpr std::size_t precision_at = 10;

struct evaluation {
  struct part {
    std::string name;
    retrieval_metrics metrics;
  };
  std::vector<part> parts;
  std::uint64_t unknown_products = 0;  // judged relevant, but not in the store
  std::uint64_t unanswerable = 0;      // queries without words: they count as missed
};

// Ids of judged products become rows of the store.
void look_up_relevant(const judgements& judged, const generation& store, std::vector<judged_answer>& answers, evaluation& counts) {
  std::unordered_map<std::string_view, std::uint32_t> row_of;
  row_of.reserve(store.products());
  for (std::size_t row = 0; row < store.products(); ++row) row_of.emplace(store.facts(row).id, static_cast<std::uint32_t>(row));
  for (std::size_t q = 0; q < judged.queries.size(); ++q) {
    for (const auto& id : judged.queries[q].relevant) {
      const auto found = row_of.find(id);
      if (found == row_of.end()) {
        ++counts.unknown_products;
      } else {
        answers[q].relevant.push_back(found->second);
      }
    }
    auto& rows = answers[q].relevant;
    std::sort(rows.begin(), rows.end());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  }
}

status answer_queries(const judgements& judged, searcher& from, std::size_t k, std::vector<judged_answer>& answers, evaluation& counts) {
  std::vector<std::vector<std::int32_t>> tokens;
  std::vector<std::size_t> asked;
  for (std::size_t q = 0; q < judged.queries.size(); ++q) {
    auto encoded = from.tokens(judged.queries[q].text);
    if (!encoded.ok() && encoded.failure().code() != errc::invalid_argument) return encoded.failure();
    if (!encoded.ok()) {
      ++counts.unanswerable;
      continue;
    }
    tokens.push_back(std::move(*encoded));
    asked.push_back(q);
  }
  ARGOSY_ASSIGN(const std::vector<std::vector<hit>> lists, from.search(tokens, k));
  for (std::size_t i = 0; i < asked.size(); ++i) {
    for (const hit& found : lists[i]) answers[asked[i]].ranked.push_back(found.row);
  }
  return {};
}

void measure_parts(const judgements& judged, const std::vector<judged_answer>& answers, std::span<const std::size_t> recall_at,
                   evaluation& into) {
  const auto part = [&](const std::string& name, auto belongs) {
    std::vector<judged_answer> chosen;
    for (std::size_t q = 0; q < answers.size(); ++q) {
      if (belongs(judged.queries[q])) chosen.push_back(answers[q]);
    }
    into.parts.push_back({name, measure(chosen, recall_at, std::span(&precision_at, 1))});
  };
  part("all", [](const judged_query&) { return true; });
  if (!judged.has_needs_image) return;
  part("needs_image", [](const judged_query& q) { return q.needs_image; });
  part("other", [](const judged_query& q) { return !q.needs_image; });
}

result<evaluation> evaluate(const evaluate_options& options, const judgements& judged, searcher& from) {
  evaluation done;
  std::vector<judged_answer> answers(judged.queries.size());
  const std::size_t longest = std::max(precision_at, *std::max_element(options.recall_at.begin(), options.recall_at.end()));
  look_up_relevant(judged, from.current(), answers, done);
  ARGOSY_TRY(answer_queries(judged, from, longest, answers, done));
  measure_parts(judged, answers, options.recall_at, done);
  return done;
}

nlohmann::ordered_json json_of(const retrieval_metrics& metrics) {
  nlohmann::ordered_json object{{"queries", metrics.queries}};
  for (const auto& [k, value] : metrics.recall) object["recall@" + std::to_string(k)] = value;
  for (const auto& [k, value] : metrics.precision) object["precision@" + std::to_string(k)] = value;
  object["without_relevant"] = metrics.without_relevant;
  return object;
}

void print_json(const evaluation& done, const judgements& judged, std::ostream& out) {
  nlohmann::ordered_json object;
  for (const auto& part : done.parts) object[part.name] = json_of(part.metrics);
  object["unknown_products"] = done.unknown_products;
  object["unknown_queries"] = judged.unknown_queries;
  object["unanswerable_queries"] = done.unanswerable;
  object["refused_lines"] = judged.refused_lines;
  out << object.dump(2) << '\n';
}

std::vector<std::string> heading(const retrieval_metrics& metrics) {
  std::vector<std::string> row{"", "queries"};
  for (const auto& entry : metrics.recall) row.push_back("recall@" + std::to_string(entry.first));
  for (const auto& entry : metrics.precision) row.push_back("precision@" + std::to_string(entry.first));
  return row;
}

std::vector<std::string> figures(const evaluation::part& part) {
  std::vector<std::string> row{part.name, grouped(part.metrics.queries)};
  for (const auto& entry : part.metrics.recall) row.push_back(fixed(entry.second, 4));
  for (const auto& entry : part.metrics.precision) row.push_back(fixed(entry.second, 4));
  return row;
}

void print_table(const evaluation& done, const judgements& judged, std::ostream& out) {
  text_table table;
  table.add(heading(done.parts.front().metrics));
  for (const auto& part : done.parts) table.add(figures(part));
  table.print(out);
  const auto note = [&](std::uint64_t count, const char* what) {
    if (count > 0) out << what << ": " << grouped(count) << '\n';
  };
  note(done.parts.front().metrics.without_relevant, "queries left out, as no product of the store is relevant to them");
  note(done.unknown_products, "judgements of a product that the store lacks");
  note(judged.unknown_queries, "judgements of a query that the query file lacks");
  note(done.unanswerable, "queries without a word, counted as missed");
  note(judged.refused_lines, "refused lines");
}

}  // namespace

status run_evaluate(const evaluate_options& options, const console& io) {
  if (options.recall_at.empty() || std::count(options.recall_at.begin(), options.recall_at.end(), 0u) > 0) {
    return {errc::invalid_argument, "-k: want numbers of at least 1"};
  }
  ARGOSY_ASSIGN(const judgements judged, read_judgements(options.queries, options.qrels));
  ARGOSY_ASSIGN(searcher from, searcher::open(options.store, options.threads));
  ARGOSY_ASSIGN(const evaluation done, evaluate(options, judged, from));
  if (options.json) {
    print_json(done, judged, io.out);
  } else {
    print_table(done, judged, io.out);
  }
  return {};
}

}  // namespace argosy

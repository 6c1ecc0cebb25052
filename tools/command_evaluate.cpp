#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>

#include "actors/evaluation.hpp"
#include "tools/channel_evaluation.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"

namespace argosy {
namespace {

struct evaluation {
  std::vector<evaluated_part> parts;
  std::uint64_t unknown_products = 0;  // judged relevant, but not in the store
  std::uint64_t unanswerable = 0;      // queries without words: they count as missed
};

// The judged queries that have words, embedded.
struct embedded_queries {
  std::vector<std::size_t> asked;
  std::vector<float> vectors;
};

result<embedded_queries> embed(const judgements& judged, searcher& from, evaluation& counts) {
  embedded_queries made;
  std::vector<std::vector<std::int32_t>> tokens;
  for (std::size_t q = 0; q < judged.queries.size(); ++q) {
    auto encoded = from.tokens(judged.queries[q].text);
    if (!encoded.ok() && encoded.failure().code() != errc::invalid_argument) return encoded.failure();
    if (!encoded.ok()) {
      ++counts.unanswerable;
      continue;
    }
    tokens.push_back(std::move(*encoded));
    made.asked.push_back(q);
  }
  ARGOSY_ASSIGN(made.vectors, from.embed(tokens));
  return made;
}

status answer_queries(const embedded_queries& queries, const searcher& from, std::size_t k, std::vector<judged_answer>& answers) {
  const auto columns = static_cast<std::int64_t>(from.current().index().columns());
  const auto rows = view_of(queries.vectors.data(), static_cast<std::int64_t>(queries.asked.size()), columns);
  ARGOSY_ASSIGN(const auto lists, from.live().search(rows, {.k = k, .threads = from.threads()}));
  for (std::size_t i = 0; i < queries.asked.size(); ++i) {
    auto& ranked = answers[queries.asked[i]].ranked;
    ranked.clear();
    for (const hit& found : lists[i]) ranked.push_back(found.row);
  }
  return {};
}

result<evaluation> evaluate(const evaluate_options& options, const judgements& judged, searcher& from) {
  const live_generation& store = from.live();
  auto rows = rows_of(judged, store.rows(), [&](std::size_t row) {
    const auto at = static_cast<std::uint32_t>(row);
    return store.is_there(at) ? store.facts(at).id : std::string_view();
  });
  evaluation done;
  done.unknown_products = rows.unknown_products;
  ARGOSY_ASSIGN(const embedded_queries queries, embed(judged, from, done));
  // Each cut as a search for so many finds it: one for more looks harder. That for the precision, which all have, comes first.
  ARGOSY_TRY(answer_queries(queries, from, precision_at, rows.answers));
  done.parts = measure_parts(judged, rows.answers, {});
  for (const std::size_t k : options.recall_at) {
    ARGOSY_TRY(answer_queries(queries, from, k, rows.answers));
    const std::size_t cut[] = {k};
    const auto parts = measure_parts(judged, rows.answers, cut);
    for (std::size_t p = 0; p < parts.size(); ++p) done.parts[p].metrics.recall.merge(std::map(parts[p].metrics.recall));
  }
  return done;
}

void print_json(const evaluation& done, const judgements& judged, std::ostream& out) {
  auto object = json_of(done.parts);
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

std::vector<std::string> figures(const evaluated_part& part) {
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
  if (options.channels) return evaluate_channels(options, judged, from, io);
  ARGOSY_ASSIGN(const evaluation done, evaluate(options, judged, from));
  if (options.json) {
    print_json(done, judged, io.out);
  } else {
    print_table(done, judged, io.out);
  }
  return {};
}

}  // namespace argosy

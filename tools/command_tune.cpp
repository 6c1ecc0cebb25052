#include <nlohmann/json.hpp>
#include <ostream>

#include "index/generation.hpp"
#include "tools/asked_queries.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/index_sweep.hpp"

namespace argosy {
namespace {

nlohmann::ordered_json json_of(const index_point& point) {
  return {{"leaves", point.effort.leaves}, {"rerank", point.effort.rerank}, {"recall", point.recall}, {"qps", point.queries_per_s}};
}

void print_table(const index_sweep::choice& made, std::ostream& out) {
  text_table table;
  table.add({"", "leaves", "candidates", "recall", "queries/s, one thread"});
  for (const index_point& each : made.tried) {
    table.add({each.effort == made.best->effort ? "chosen" : "", grouped(each.effort.leaves), grouped(each.effort.rerank),
               fixed(each.recall, 4), fixed(each.queries_per_s, 0)});
  }
  table.print(out);
}

result<std::uint64_t> publish_effort(const std::filesystem::path& store, const generation& base, const tuned_effort& tuned) {
  ARGOSY_ASSIGN(generation_writer writer, generation_writer::create_from(store, base));
  ARGOSY_TRY(write_effort(writer.path(), tuned));
  ARGOSY_TRY(writer.publish());
  return writer.number();
}

}  // namespace

status run_tune(const tune_options& options, const console& io) {
  ARGOSY_ASSIGN(searcher from, searcher::open(options.store, options.threads));
  const generation& current = from.current();
  const vector_index& index = current.index();
  if (index.leaves() == 0)
    return {errc::invalid_argument,
            current.path().string() + ": the index is exact (" + std::string(index.kind()) + "): nothing is to be tuned"};
  ARGOSY_ASSIGN(const std::vector<float> asked, asked_queries(from, options.queries));
  const auto columns = static_cast<std::int64_t>(index.columns());
  const const_view queries = view_of(asked.data(), static_cast<std::int64_t>(asked.size()) / columns, columns);
  const int threads = threads_or_all(options.threads);

  ARGOSY_ASSIGN(const std::vector<float> vectors, index.restore(0, index.size()));
  ARGOSY_ASSIGN(const auto exact, flat_index_over(view_of(vectors.data(), static_cast<std::int64_t>(index.size()), columns)));
  ARGOSY_ASSIGN(const exact_rows answers, exact_answers(*exact, queries, options.k, threads));
  const index_sweep sweep(index, queries, answers, options.k, threads, io.clock);
  const auto show = [&io](std::uint64_t done, std::uint64_t total) {
    io.progress.show({.stage = "tune", .unit = "numbers of candidates", .done = done, .total = total});
  };
  ARGOSY_ASSIGN(const auto made, sweep.cheapest(options.recall, show, io.stop));
  io.progress.close();
  if (!made.best)
    return {errc::out_of_range, "--recall: want at most " + fixed(made.most, 6) +
                                    ", which all leaves and the most candidates give here, got " + fixed(options.recall, 6)};
  if (io.stop.stop_requested()) return {errc::aborted, "interrupted; the store is as it was"};
  const tuned_effort tuned{made.best->effort, options.k, static_cast<std::uint64_t>(queries.rows), options.recall, made.best->recall};
  ARGOSY_ASSIGN(const std::uint64_t number, publish_effort(options.store, current, tuned));
  if (options.json) {
    auto tried = nlohmann::ordered_json::array();
    for (const index_point& each : made.tried) tried.push_back(json_of(each));
    const nlohmann::ordered_json object{{"generation", number},          {"k", options.k},
                                        {"queries", queries.rows},       {"wanted", options.recall},
                                        {"chosen", json_of(*made.best)}, {"tried", std::move(tried)}};
    io.out << object.dump(2) << '\n';
  } else {
    print_table(made, io.out);
    io.out << options.store.string() << ": generation " << number << ", recall@" << options.k << " of " << grouped(tuned.queries)
           << " queries " << fixed(tuned.recall, 4) << '\n';
  }
  return {};
}

}  // namespace argosy

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>
#include <queue>

#include "index/vector_index.hpp"
#include "kernels/peak.hpp"
#include "search/searcher.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/passing_folder.hpp"
#include "tools/random_rows.hpp"
#include "tools/timing.hpp"

namespace argosy {
namespace {

constexpr int repeats = 7;
constexpr std::uint64_t plain_queries = 8;
constexpr std::uint64_t query_seed = 2;

using answers = std::vector<std::vector<hit>>;

// What one writes first: a float sum for each row, and a heap of the best.
std::vector<hit> plain_search(const_view vectors, const float* query, std::size_t k) {
  const auto worse = [](const hit& a, const hit& b) { return a.score > b.score; };
  std::priority_queue<hit, std::vector<hit>, decltype(worse)> best(worse);
  for (std::int64_t r = 0; r < vectors.rows; ++r) {
    const float* row = vectors.row<float>(r);
    float score = 0;
    for (std::int64_t c = 0; c < vectors.cols; ++c) score += row[c] * query[c];
    if (best.size() == k && score <= best.top().score) continue;
    if (best.size() == k) best.pop();
    best.push({static_cast<std::uint32_t>(r), score});
  }
  std::vector<hit> hits;
  for (; !best.empty(); best.pop()) hits.push_back(best.top());
  std::reverse(hits.begin(), hits.end());
  return hits;
}

double exact_score(const_view vectors, std::uint32_t row, const float* query) {
  double score = 0;
  for (std::int64_t c = 0; c < vectors.cols; ++c) score += static_cast<double>(vectors.row<float>(row)[c]) * query[c];
  return score;
}

// An answer is wrong when the exact score of any of its rows is not the reference's at that rank. Rows whose scores differ by less than the
// rounding of a float32 sum of D products of unit vectors, D * 2^-24, may change places.
std::uint64_t count_wrong(const_view vectors, const_view queries, const answers& got, const answers& reference) {
  const double rounding = static_cast<double>(vectors.cols) * 0x1.0p-24;
  std::uint64_t wrong = 0;
  for (std::size_t q = 0; q < reference.size(); ++q) {
    const auto same = [&](const hit& a, const hit& b) {
      return std::abs(exact_score(vectors, a.row, queries.row<float>(static_cast<std::int64_t>(q))) - b.score) <= rounding;
    };
    const auto& want = reference[q];
    if (!std::equal(got[q].begin(), got[q].end(), want.begin(), want.end(), same)) ++wrong;
  }
  return wrong;
}

struct search_speed {
  std::string name;
  timing query;  // seconds of one query
  std::uint64_t wrong = 0;
  double per_s() const { return 1 / query.median; }
};

struct bench {
  const_view vectors, queries;
  const answers* reference;
  std::size_t k;
  int threads;
  const clock_source* clock;

  result<search_speed> one_at_a_time(const vector_index& index) const {
    std::vector<double> seconds;
    answers got;
    for (std::int64_t q = 0; q < queries.rows; ++q) {
      const steady_time start = clock->now();
      ARGOSY_ASSIGN(answers one, index.search(queries.row_range(q, 1), {.k = k, .threads = threads}));
      seconds.push_back(seconds_between(start, clock->now()));
      got.push_back(std::move(one.front()));
    }
    return search_speed{"one at a time", timing_of(seconds), count_wrong(vectors, queries, got, *reference)};
  }

  result<search_speed> batched(const vector_index& index) const {
    std::vector<double> seconds;
    answers got;
    for (int i = 0; i < repeats; ++i) {
      const steady_time start = clock->now();
      ARGOSY_ASSIGN(got, index.search(queries, {.k = k, .threads = threads}));
      seconds.push_back(seconds_between(start, clock->now()) / static_cast<double>(queries.rows));
    }
    return search_speed{"batched", timing_of(seconds), count_wrong(vectors, queries, got, *reference)};
  }

  search_speed plain() const {
    std::vector<double> seconds;
    const auto asked = std::min(queries.rows, static_cast<std::int64_t>(plain_queries));
    answers got;
    for (std::int64_t q = 0; q < asked; ++q) {
      const steady_time start = clock->now();
      got.push_back(plain_search(vectors, queries.row<float>(q), k));
      seconds.push_back(seconds_between(start, clock->now()));
    }
    const answers want(reference->begin(), reference->begin() + asked);
    return {"plain loop, one thread", timing_of(seconds), count_wrong(vectors, queries, got, want)};
  }
};

struct outcome {
  std::uint64_t products = 0, columns = 0, queries = 0;
  int threads = 1;
  double bandwidth = 0;  // GB/s
  std::vector<search_speed> speeds;
  // Every vector read once from memory for every query: the limit of an index that the caches do not hold.
  double limit_per_s() const { return bandwidth * 1e9 / static_cast<double>(products * columns * sizeof(float)); }
};

nlohmann::ordered_json json_of(const search_speed& speed) {
  return {{"queries_per_s", speed.per_s()},
          {"median_s", speed.query.median},
          {"low_s", speed.query.low},
          {"high_s", speed.query.high},
          {"wrong", speed.wrong}};
}

void print_json(const outcome& done, std::ostream& out) {
  const nlohmann::ordered_json object{{"products", done.products},
                                      {"columns", done.columns},
                                      {"queries", done.queries},
                                      {"threads", done.threads},
                                      {"one", json_of(done.speeds[0])},
                                      {"batched", json_of(done.speeds[1])},
                                      {"plain", json_of(done.speeds[2])},
                                      {"read_bandwidth_gb_s", done.bandwidth},
                                      {"bandwidth_limit_queries_per_s", done.limit_per_s()}};
  out << object.dump(2) << '\n';
}

void print_table(const outcome& done, std::ostream& out) {
  out << grouped(done.products) << " x " << grouped(done.columns) << ", " << done.threads << " threads\n";
  text_table table;
  table.add({"", "queries/s", "a query: median (quartiles)", "wrong"});
  for (const auto& speed : done.speeds) {
    table.add({speed.name, fixed(speed.per_s(), 1), spread_text(speed.query), grouped(speed.wrong)});
  }
  table.add({"every vector read from memory", fixed(done.limit_per_s(), 1), fixed(done.bandwidth, 1) + " GB/s", ""});
  table.print(out);
}

result<outcome> measure_flat_index(const bench_search_options& options, const console& io) {
  const auto rows = static_cast<std::int64_t>(options.products), columns = static_cast<std::int64_t>(options.columns);
  const std::vector<float> stored = random_unit_rows(options.products, options.columns, 1);
  const std::vector<float> asked = random_unit_rows(options.queries, options.columns, query_seed);
  const const_view vectors = view_of(stored.data(), rows, columns);
  const const_view queries = view_of(asked.data(), static_cast<std::int64_t>(options.queries), columns);

  ARGOSY_ASSIGN(const passing_folder folder, passing_folder::make(std::filesystem::temp_directory_path(), "argosy-bench"));
  ARGOSY_TRY(write_flat_index(folder.path() / "index", vectors));
  ARGOSY_ASSIGN(const std::unique_ptr<vector_index> index, open_flat_index(folder.path() / "index"));
  ARGOSY_TRY(index->verify());

  const answers reference = search_reference(vectors, queries, options.k);
  const bench on{vectors, queries, &reference, options.k, threads_or_all(options.threads), &io.clock};
  outcome done{options.products, options.columns, options.queries, on.threads, measure_read_bandwidth(on.threads), {}};
  ARGOSY_ASSIGN(search_speed one, on.one_at_a_time(*index));
  ARGOSY_ASSIGN(search_speed batched, on.batched(*index));
  done.speeds = {std::move(one), std::move(batched), on.plain()};
  return done;
}

}  // namespace

status run_bench_search(const bench_search_options& options, const console& io) {
  ARGOSY_ASSIGN(const outcome done, measure_flat_index(options, io));
  if (options.json) {
    print_json(done, io.out);
  } else {
    print_table(done, io.out);
  }
  return {};
}

}  // namespace argosy

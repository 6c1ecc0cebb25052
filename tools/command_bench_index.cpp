#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/random.hpp"
#include "index/generation.hpp"
#include "index/hc_index.hpp"
#include "schema/folder.hpp"
#include "tools/asked_queries.hpp"
#include "tools/commands.hpp"
#include "tools/enlarged.hpp"
#include "tools/format.hpp"
#include "tools/index_peers.hpp"
#include "tools/index_sweep.hpp"
#include "tools/line_chart.hpp"
#include "tools/passing_folder.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t enlarging_seed = 1, filter_seed = 2;
constexpr double wanted = 0.95;
constexpr double kept_shares[] = {0.5, 0.1, 0.01, 0.001, 0.0001};
constexpr std::size_t ranker_lists[] = {100, 1000};  // retrieval that feeds a ranker

struct hc_point {
  measured_index figures;
  std::vector<double> recall_of_lists;  // of ranker_lists
};

struct filter_cell {
  double kept = 0, recall = 0, median_ms = 0, p99_ms = 0, unfiltered_p99_ms = 0;
  std::uint64_t not_allowed = 0;
};

struct outcome {
  std::uint64_t vectors = 0, columns = 0, queries = 0;
  std::vector<hc_point> own;
  std::vector<measured_index> peers;
  std::vector<filter_cell> filters;
  std::vector<std::string> absent;
};

nlohmann::ordered_json json_of(const measured_index& point) {
  return {{"index", point.index},
          {"setting", point.setting},
          {"recall", point.recall},
          {"qps", point.queries_per_s},
          {"bytes_per_vector", point.bytes_per_vector},
          {"build_s", point.build_s},
          {"open_s", point.open_s}};
}

nlohmann::ordered_json json_of(const outcome& done, const bench_index_options& options) {
  auto points = nlohmann::ordered_json::array(), filters = nlohmann::ordered_json::array();
  for (const auto& each : done.own) {
    points.push_back(json_of(each.figures));
    for (std::size_t i = 0; i < each.recall_of_lists.size(); ++i)
      points.back()["recall_" + std::to_string(ranker_lists[i])] = each.recall_of_lists[i];
  }
  for (const auto& each : done.peers) points.push_back(json_of(each));
  for (const auto& each : done.filters)
    filters.push_back({{"kept", each.kept},
                       {"recall", each.recall},
                       {"median_ms", each.median_ms},
                       {"p99_ms", each.p99_ms},
                       {"unfiltered_p99_ms", each.unfiltered_p99_ms},
                       {"not_allowed", each.not_allowed}});
  return {{"vectors", done.vectors},     {"columns", done.columns},       {"queries", done.queries}, {"k", options.k},
          {"points", std::move(points)}, {"filters", std::move(filters)}, {"absent", done.absent}};
}

// Of each index the fastest point that reaches the recall that is wanted, or its best recall.
std::vector<measured_index> best_points(const outcome& done) {
  std::vector<measured_index> all = done.peers, best;
  for (const auto& each : done.own) all.push_back(each.figures);
  for (const auto& each : all) {
    const auto known = std::find_if(best.begin(), best.end(), [&](const measured_index& one) { return one.index == each.index; });
    if (known == best.end()) {
      best.push_back(each);
    } else if (each.recall >= wanted ? known->recall < wanted || each.queries_per_s > known->queries_per_s : each.recall > known->recall) {
      *known = each;
    }
  }
  std::sort(best.begin(), best.end(), [](const auto& a, const auto& b) { return a.queries_per_s > b.queries_per_s; });
  return best;
}

void print_tables(const outcome& done, const bench_index_options& options, std::ostream& out) {
  out << grouped(done.vectors) << " x " << grouped(done.columns) << ", " << grouped(done.queries)
      << " queries, one thread, one query a call; of each the fastest with recall@" << options.k << " of at least " << fixed(wanted, 2)
      << '\n';
  text_table table;
  table.add({"", "setting", "recall", "queries/s", "bytes a vector", "built in", "opened in"});
  for (const auto& each : best_points(done))
    table.add({each.index, each.setting, fixed(each.recall, 4), fixed(each.queries_per_s, 0), fixed(each.bytes_per_vector, 0),
               duration_text(each.build_s), fixed(1000 * each.open_s, 1) + " ms"});
  table.print(out);
  for (const auto& each : done.absent) out << each << '\n';
  if (done.filters.empty()) return;
  text_table cells;
  cells.add({"filter keeps", "recall", "median", "p99", "p99 unfiltered", "not allowed"});
  for (const auto& each : done.filters)
    cells.add({fixed(100 * each.kept, 2) + " %", fixed(each.recall, 4), fixed(each.median_ms, 3) + " ms", fixed(each.p99_ms, 3) + " ms",
               fixed(each.unfiltered_p99_ms, 3) + " ms", grouped(each.not_allowed)});
  out << '\n';
  cells.print(out);
}

std::string chart_of(const outcome& done) {
  line_chart chart{.title = "Recall and queries/s", .x_title = "recall@10", .y_title = "log10 of queries/s, one thread", .series = {}};
  std::vector<measured_index> all;
  for (const auto& each : done.own) all.push_back(each.figures);
  all.insert(all.end(), done.peers.begin(), done.peers.end());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.recall < b.recall; });
  for (const auto& each : best_points(done)) {
    chart_series line{each.index, {}};
    double fastest = 0;  // of what finds no less: the front of the points
    for (auto point = all.rbegin(); point != all.rend(); ++point) {
      if (point->index != each.index || point->queries_per_s <= fastest) continue;
      fastest = point->queries_per_s;
      line.points.push_back({point->recall, std::log10(fastest)});
    }
    std::reverse(line.points.begin(), line.points.end());
    chart.series.push_back(std::move(line));
  }
  return svg_of(chart);
}

class index_bench {
public:
  index_bench(const bench_index_options& options, const console& io, std::vector<float> vectors, std::vector<float> queries,
              std::size_t columns)
      : options_(&options),
        io_(&io),
        stored_(std::move(vectors)),
        asked_(std::move(queries)),
        columns_(columns),
        threads_(threads_or_all(options.threads)) {}

  result<outcome> run() {
    done_.vectors = stored_.size() / columns_;
    done_.columns = columns_;
    done_.queries = asked_.size() / columns_;
    const std::size_t most = std::min<std::size_t>(done_.vectors, std::max(options_->k, ranker_lists[1]));
    say("exact answers");
    ARGOSY_ASSIGN(exact_, flat_index_over(vectors()));
    ARGOSY_ASSIGN(truth_, exact_answers(*exact_, queries(), most, threads_));
    ARGOSY_ASSIGN(const passing_folder folder,
                  passing_folder::make(options_->folder.empty() ? fs::temp_directory_path() : options_->folder, "argosy-bench"));
    ARGOSY_TRY(measure_own(folder.path() / "index"));
    if (!options_->peers.empty()) ARGOSY_TRY(measure_peers(folder.path()));
    return done_;
  }

private:
  const_view rows_of(const std::vector<float>& of) const noexcept {
    return view_of(of.data(), static_cast<std::int64_t>(of.size() / columns_), static_cast<std::int64_t>(columns_));
  }
  const_view vectors() const noexcept { return rows_of(stored_); }
  const_view queries() const noexcept { return rows_of(asked_); }
  void say(const std::string& what) const { io_->err << what << std::endl; }

  status measure_own(const fs::path& path);
  status measure_filters(const vector_index&, search_effort);
  result<filter_cell> measure_filter(const vector_index&, search_effort, double kept, double unfiltered_p99);
  result<std::vector<double>> times(const vector_index&, const search_options&, std::vector<std::vector<hit>>*) const;
  status measure_peers(const fs::path& folder);

  const bench_index_options* options_;
  const console* io_;
  std::vector<float> stored_, asked_;
  std::size_t columns_;
  int threads_;
  std::unique_ptr<vector_index> exact_;
  exact_rows truth_;
  outcome done_;
};

status index_bench::measure_own(const fs::path& path) {
  say("hc: building");
  const steady_time start = io_->clock.now();
  ARGOSY_TRY(write_hc_index(
      path, vectors(),
      {.leaves = options_->leaves, .code_bytes = options_->code_bytes, .second_leaves = options_->second_leaves, .threads = threads_}, {},
      io_->stop));
  const steady_time built = io_->clock.now();
  ARGOSY_ASSIGN(const auto index, open_hc_index(path));
  const steady_time opened = io_->clock.now();
  ARGOSY_TRY(index->verify());
  const index_sweep sweep(*index, queries(), truth_, options_->k, threads_, io_->clock);
  search_effort chosen;
  for (const double recall : {0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995}) {
    const std::string stage = "recall " + fixed(recall, 3);
    const auto show = [&](std::uint64_t done, std::uint64_t total) {
      io_->progress.show({.stage = stage, .unit = "numbers of candidates", .done = done, .total = total});
    };
    ARGOSY_ASSIGN(const auto found, sweep.cheapest(recall, show, io_->stop));
    if (!found.best) break;
    const search_effort effort = found.best->effort;
    if (recall <= wanted) chosen = effort;
    hc_point point{{"hc", "leaves=" + std::to_string(effort.leaves) + " rerank=" + std::to_string(effort.rerank), found.best->recall,
                    found.best->queries_per_s, static_cast<double>(fs::file_size(path)) / static_cast<double>(done_.vectors),
                    seconds_between(start, built), seconds_between(built, opened)},
                   {}};
    for (const std::size_t k : ranker_lists) {
      ARGOSY_ASSIGN(const double of_list, sweep.recall(effort, k));
      point.recall_of_lists.push_back(of_list);
    }
    done_.own.push_back(std::move(point));
  }
  io_->progress.close();
  return options_->filters ? measure_filters(*index, chosen) : status{};
}

result<std::vector<double>> index_bench::times(const vector_index& index, const search_options& how,
                                               std::vector<std::vector<hit>>* found) const {
  std::vector<double> seconds;
  for (std::int64_t q = 0; q < queries().rows; ++q) {
    const steady_time start = io_->clock.now();
    ARGOSY_ASSIGN(auto one, index.search(queries().row_range(q, 1), how));
    seconds.push_back(seconds_between(start, io_->clock.now()));
    if (found != nullptr) found->push_back(std::move(one.front()));
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds;
}

double at_share(const std::vector<double>& rising, double share) {
  return 1000 * rising[std::min(rising.size() - 1, static_cast<std::size_t>(share * static_cast<double>(rising.size())))];
}

status index_bench::measure_filters(const vector_index& index, search_effort effort) {
  say("hc: filters");
  ARGOSY_ASSIGN(const auto unfiltered, times(index, {.k = options_->k, .effort = effort}, nullptr));
  for (const double kept : kept_shares) {
    ARGOSY_ASSIGN(filter_cell cell, measure_filter(index, effort, kept, at_share(unfiltered, 0.99)));
    done_.filters.push_back(cell);
  }
  return {};
}

// A conjunction of two terms that each keep the square root of the share, drawn independently of the vectors.
result<filter_cell> index_bench::measure_filter(const vector_index& index, search_effort effort, double kept, double unfiltered_p99) {
  row_set allowed(done_.vectors);
  const auto term = static_cast<float>(std::sqrt(kept));
  for (std::uint32_t row = 0; row < done_.vectors; ++row) {
    const draw_key key{.seed = filter_seed, .step = static_cast<std::uint32_t>(1 / kept)};
    if (random_uniform(key, row, 0) < term && random_uniform(key, row, 1) < term) allowed.insert(row);
  }
  if (allowed.size() == 0) return filter_cell{0, 1, 0, 0, unfiltered_p99, 0};
  ARGOSY_ASSIGN(const auto expected, exact_->search(queries(), {.k = options_->k, .threads = threads_, .allowed = &allowed}));
  std::vector<std::vector<hit>> found;
  ARGOSY_ASSIGN(const auto seconds, times(index, {.k = options_->k, .allowed = &allowed, .effort = effort}, &found));
  filter_cell cell{static_cast<double>(allowed.size()) / static_cast<double>(done_.vectors),
                   0,
                   at_share(seconds, 0.5),
                   at_share(seconds, 0.99),
                   unfiltered_p99,
                   0};
  std::size_t common = 0, all = 0;
  for (std::size_t q = 0; q < found.size(); ++q) {
    for (const hit& one : found[q]) {
      cell.not_allowed += allowed.contains(one.row) ? 0 : 1;
      common += static_cast<std::size_t>(
          std::count_if(expected[q].begin(), expected[q].end(), [&](const hit& want) { return want.row == one.row; }));
    }
    all += expected[q].size();
  }
  cell.recall = static_cast<double>(common) / static_cast<double>(all);
  return cell;
}

status index_bench::measure_peers(const fs::path& folder) {
  const auto absent = [this](const std::string& name, const std::string& why) { done_.absent.push_back(name + ": not measured, " + why); };
  const peers_job job{options_->peers, folder, options_->python, options_->only, options_->k, threads_};
  ARGOSY_ASSIGN(done_.peers, run_peers(job, vectors(), queries(), truth_, absent));
  return {};
}

}  // namespace

status run_bench_index(const bench_index_options& options, const console& io) {
  ARGOSY_ASSIGN(searcher from, searcher::open(options.store, options.threads));
  const vector_index& index = from.current().index();
  ARGOSY_ASSIGN(std::vector<float> queries, asked_queries(from, options.queries));
  ARGOSY_ASSIGN(std::vector<float> vectors, index.restore(0, index.size()));
  if (options.products > 0) {
    const const_view few =
        view_of(std::as_const(vectors).data(), static_cast<std::int64_t>(index.size()), static_cast<std::int64_t>(index.columns()));
    io.err << "enlarging " << grouped(index.size()) << " products to " << grouped(options.products) << std::endl;
    ARGOSY_ASSIGN(vectors, enlarged(few, options.products, enlarging_seed, threads_or_all(options.threads)));
  }
  ARGOSY_ASSIGN(const outcome done, index_bench(options, io, std::move(vectors), std::move(queries), index.columns()).run());
  if (!options.svg.empty()) ARGOSY_TRY(replace_file(options.svg, chart_of(done)));
  if (options.json) {
    io.out << json_of(done, options).dump(2) << '\n';
  } else {
    print_tables(done, options, io.out);
    if (options.peers.empty()) io.out << "others: not measured; --peers names tests/bench/index/peers.py\n";
  }
  return {};
}

}  // namespace argosy

#include "tools/study_figures.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <utility>

namespace argosy {
namespace {

constexpr std::uint64_t bootstrap_seed = 1;

template <std::uint64_t K>
double found_within(const query_outcome& outcome) {
  return outcome.first && *outcome.first <= K ? 1 : 0;
}
double precision_at_10(const query_outcome& outcome) { return outcome.precision_10; }

struct finished_run {
  std::uint64_t seed = 0;
  run_record record;
};
using row_runs = std::vector<finished_run>;  // in the order of the outline's seeds

template <class T>
status refuse_repeated(const std::vector<T>& values, const std::string& what, const auto& text) {
  std::set<T> seen;
  for (const T& value : values) {
    if (!seen.insert(value).second) return {errc::invalid_argument, what + " " + text(value) + ": want it once, got it twice"};
  }
  return {};
}

status check_outline(const study_outline& outline) {
  std::vector<std::string> names;
  for (const auto& row : outline.rows) names.push_back(row.name);
  ARGOSY_TRY(refuse_repeated(names, "row", [](const std::string& name) { return name; }));
  ARGOSY_TRY(refuse_repeated(outline.seeds, "seed", [](std::uint64_t seed) { return std::to_string(seed); }));
  if (std::find(names.begin(), names.end(), outline.baseline) != names.end()) return {};
  return {errc::invalid_argument, "baseline: want the name of a row, got `" + outline.baseline + "`"};
}

status check_runs(const study_outline& outline, std::span<const study_run> runs) {
  std::set<std::pair<std::string, std::uint64_t>> seen;
  for (const auto& run : runs) {
    const std::string name = "run of `" + run.row + "` with seed " + std::to_string(run.seed);
    const bool has_row = std::any_of(outline.rows.begin(), outline.rows.end(), [&](const auto& row) { return row.name == run.row; });
    const bool has_seed = std::find(outline.seeds.begin(), outline.seeds.end(), run.seed) != outline.seeds.end();
    if (!has_row || !has_seed) return {errc::invalid_argument, name + ": want a row and a seed of the study"};
    if (!seen.emplace(run.row, run.seed).second) return {errc::invalid_argument, name + ": want it once, got it twice"};
  }
  return {};
}

result<row_runs> read_row(const study_outline& outline, const std::string& row, std::span<const study_run> runs) {
  row_runs read;
  for (const std::uint64_t seed : outline.seeds) {
    const auto run = std::find_if(runs.begin(), runs.end(), [&](const auto& one) { return one.row == row && one.seed == seed; });
    if (run == runs.end()) continue;
    ARGOSY_ASSIGN(run_record record, read_run(run->folder));
    read.push_back({seed, std::move(record)});
  }
  return read;
}

std::string both(const run_record& first, const run_record& second, const char* file) {
  return (first.folder / file).string() + " and " + (second.folder / file).string();
}

status check_same_queries(const run_record& first, const run_record& second) {
  const auto text = [](const query_outcome& q) { return "`" + q.query + "`" + (q.needs_image ? ", which needs the image" : ""); };
  const auto files = both(first, second, "outcomes.json");
  for (std::size_t q = 0; q < std::min(first.outcomes.size(), second.outcomes.size()); ++q) {
    const auto &a = first.outcomes[q], &b = second.outcomes[q];
    if (a.query == b.query && a.needs_image == b.needs_image) continue;
    return {errc::invalid_argument,
            files + ": query " + std::to_string(q + 1) + ": want the same in both, got " + text(a) + " and " + text(b)};
  }
  if (first.outcomes.size() == second.outcomes.size()) return {};
  return {errc::invalid_argument, files + ": want the same queries in both, got " + std::to_string(first.outcomes.size()) + " and " +
                                      std::to_string(second.outcomes.size())};
}

status check_comparable(const run_record& first, const run_record& second) {
  ARGOSY_TRY(check_same_queries(first, second));
  const std::uint64_t a = first.evaluations.back().products, b = second.evaluations.back().products;
  if (a == b) return {};
  return {errc::invalid_argument, both(first, second, "evaluation.jsonl") + ": want as many products in both, got " + std::to_string(a) +
                                      " and " + std::to_string(b)};
}

status check_all_comparable(std::span<const row_runs> rows) {
  const run_record* first = nullptr;
  for (const auto& row : rows) {
    for (const auto& run : row) {
      if (first == nullptr) first = &run.record;
      ARGOSY_TRY(check_comparable(*first, run.record));
    }
  }
  return {};
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Of every query that counts.
std::vector<double> values_of(const study_measure& measure, const run_record& record) {
  std::vector<double> values;
  for (const auto& outcome : record.outcomes) {
    if (measure.counts(outcome)) values.push_back(measure.of(outcome));
  }
  return values;
}

const finished_run* with_seed(const row_runs& runs, std::uint64_t seed) {
  const auto found = std::find_if(runs.begin(), runs.end(), [&](const auto& run) { return run.seed == seed; });
  return found == runs.end() ? nullptr : &*found;
}

// A query's difference, averaged over the seeds that both have; empty without one.
std::vector<double> paired_differences(const study_measure& measure, const row_runs& row, const row_runs& baseline) {
  std::vector<double> sums;
  double seeds = 0;
  for (const auto& run : row) {
    const finished_run* partner = with_seed(baseline, run.seed);
    if (partner == nullptr) continue;
    const auto mine = values_of(measure, run.record), theirs = values_of(measure, partner->record);
    sums.resize(mine.size());
    for (std::size_t q = 0; q < sums.size(); ++q) sums[q] += mine[q] - theirs[q];
    ++seeds;
  }
  for (double& sum : sums) sum /= seeds;
  return sums;
}

std::optional<measured> measure_row(const study_measure& measure, const row_runs& row, const row_runs& baseline) {
  measured found;
  for (const auto& run : row) {
    const auto values = values_of(measure, run.record);
    if (values.empty()) return std::nullopt;
    found.by_seed.push_back(mean_of(values));
  }
  if (found.by_seed.empty()) return std::nullopt;
  found.over_seeds = spread_of(found.by_seed);
  if (&row == &baseline) return found;
  const auto differences = paired_differences(measure, row, baseline);
  if (!differences.empty()) found.difference = paired_bootstrap(differences, study_resamples, bootstrap_seed);
  return found;
}

struct step_value {
  std::uint64_t step = 0;
  double x = 0, y = 0;
};

chart_point point_of(std::span<const step_value> seeds) {
  constexpr double gap = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> x, y;
  for (const auto& value : seeds) {
    x.push_back(value.x);
    if (std::isfinite(value.y)) y.push_back(value.y);
  }
  if (y.empty()) return {mean_of(x), gap, gap, gap};
  const spread found = spread_of(y);
  return seeds.size() == 1 ? chart_point{mean_of(x), found.mean} : chart_point{mean_of(x), found.mean, found.low, found.high};
}

std::vector<chart_point> curve_over(const row_runs& runs, const auto& values_of_run) {
  std::map<std::uint64_t, std::vector<step_value>> by_step;
  for (const auto& run : runs) {
    for (const step_value& value : values_of_run(run.record)) by_step[value.step].push_back(value);
  }
  std::vector<chart_point> points;
  for (const auto& [step, values] : by_step) {
    if (values.size() == runs.size()) points.push_back(point_of(values));
  }
  return points;
}

std::vector<chart_point> step_curve(const row_runs& runs, double run_step::*field) {
  return curve_over(runs, [&](const run_record& record) {
    std::vector<step_value> values;
    for (const auto& step : record.steps) values.push_back({step.step, static_cast<double>(step.step), step.*field});
    return values;
  });
}

double minutes_before(const run_record& record, std::uint64_t step) {
  double seconds = 0;
  for (const auto& one : record.steps) seconds += one.step < step ? one.seconds : 0;
  return seconds / 60;
}

std::vector<chart_point> recall_curve(const row_runs& runs) {
  return curve_over(runs, [](const run_record& record) {
    std::vector<step_value> values;
    for (const auto& one : record.evaluations) values.push_back({one.step, minutes_before(record, one.step), one.recall_10});
    return values;
  });
}

spread over_runs(const row_runs& runs, const auto& value_of) {
  std::vector<double> values;
  for (const auto& run : runs) values.push_back(value_of(run.record));
  return spread_of(values);
}

double pairs_of(const run_record& record) {
  double pairs = 0;
  for (const auto& step : record.steps) pairs += static_cast<double>(step.pairs);
  return pairs;
}

row_figures figures_of_row(const study_row& row, const row_runs& runs, const row_runs& baseline) {
  row_figures figures;
  figures.row = row;
  if (runs.empty()) return figures;
  for (const auto& run : runs) {
    figures.seeds.push_back(run.seed);
    if (with_seed(baseline, run.seed) != nullptr) figures.shared_seeds.push_back(run.seed);
  }
  figures.steps = over_runs(runs, [](const run_record& r) { return static_cast<double>(r.steps.size()); });
  figures.pairs = over_runs(runs, pairs_of);
  figures.minutes = over_runs(runs, [](const run_record& r) { return minutes_before(r, std::numeric_limits<std::uint64_t>::max()); });
  for (std::size_t m = 0; m < study_measure_count; ++m) figures.measures[m] = measure_row(study_measures[m], runs, baseline);
  figures.curves = {step_curve(runs, &run_step::loss_qpm), step_curve(runs, &run_step::negatives_product),
                    step_curve(runs, &run_step::negatives_bank), recall_curve(runs)};
  return figures;
}

void count_queries(std::span<const row_runs> rows, study_figures& figures) {
  for (const auto& runs : rows) {
    if (runs.empty()) continue;
    const run_record& record = runs.front().record;
    figures.queries = record.outcomes.size();
    figures.needing_image = static_cast<std::uint64_t>(
        std::count_if(record.outcomes.begin(), record.outcomes.end(), [](const auto& outcome) { return outcome.needs_image; }));
    figures.products = record.evaluations.back().products;
    return;
  }
}

}  // namespace

const std::array<study_measure, study_measure_count> study_measures{{{"all", "recall@1", found_within<1>},
                                                                     {"all", "recall@10", found_within<10>},
                                                                     {"all", "recall@100", found_within<100>},
                                                                     {"all", "precision@10", precision_at_10},
                                                                     {"needs_image", "recall@10", found_within<10>}}};

spread spread_of(std::span<const double> values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return {mean_of(values), *low, *high};
}

result<study_figures> figures_of(const study_outline& outline, std::span<const study_run> finished) {
  ARGOSY_TRY(check_outline(outline));
  ARGOSY_TRY(check_runs(outline, finished));
  std::vector<row_runs> runs;
  std::size_t baseline = 0;
  for (std::size_t r = 0; r < outline.rows.size(); ++r) {
    if (outline.rows[r].name == outline.baseline) baseline = r;
    ARGOSY_ASSIGN(runs.emplace_back(), read_row(outline, outline.rows[r].name, finished));
  }
  ARGOSY_TRY(check_all_comparable(runs));
  study_figures figures;
  figures.outline = outline;
  count_queries(runs, figures);
  for (std::size_t r = 0; r < runs.size(); ++r) figures.rows.push_back(figures_of_row(outline.rows[r], runs[r], runs[baseline]));
  return figures;
}

}  // namespace argosy

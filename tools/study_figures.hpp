// The figures of a study: recipes (rows) trained with several seeds each, compared with one of them, the baseline.
// A measure of a row is the mean over its finished seeds, beside it the least and the most of them. Its difference from the baseline: for
// each query the difference averaged over the seeds that both rows have finished, then the mean over queries with the 95 % interval of the
// paired bootstrap over queries (index/bootstrap.hpp). It speaks of other queries of the same kind, not of other seeds.
// Measures come from outcomes.json of each run (tools/run_record.hpp), curves from metrics.jsonl and evaluation.jsonl.
// Refused  an outline whose names or seeds repeat or whose baseline is no row; a run that the outline does not have, or twice; runs whose
//          queries, their order or the number of products differ, naming both files; what read_run refuses.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "index/bootstrap.hpp"
#include "tools/line_chart.hpp"
#include "tools/run_record.hpp"

namespace argosy {

struct study_row {
  std::string name;
  std::vector<std::string> set;  // what differs from the base recipe: "key=value"
};

struct study_outline {
  std::string title, about;
  std::vector<study_row> rows;
  std::string baseline;  // name of a row
  std::vector<std::uint64_t> seeds;
};

struct study_run {
  std::string row;
  std::uint64_t seed = 0;
  std::filesystem::path folder;
};

struct study_measure {
  std::string_view part, key;  // as in evaluation.jsonl: "all" or "needs_image", "recall@10"
  double (*of)(const query_outcome&);
  bool counts(const query_outcome& outcome) const { return part == "all" || outcome.needs_image; }
};
constexpr std::size_t study_measure_count = 5;
extern const std::array<study_measure, study_measure_count> study_measures;

constexpr std::size_t study_resamples = 10'000;

struct spread {
  double mean = 0, low = 0, high = 0;  // low, high: the least and the most
};
spread spread_of(std::span<const double>);  // at least one value

struct measured {
  std::vector<double> by_seed;  // as row_figures::seeds
  spread over_seeds;
  std::optional<interval> difference;  // none: the baseline itself, or no seed that both have finished
};

// Points are means over the seeds, with the least and the most as the band where there are several; steps that every finished seed has.
struct row_curves {
  std::vector<chart_point> loss, negatives_product, negatives_bank;  // by step
  std::vector<chart_point> recall;                                   // recall@10 over all by minutes of training
};

// Everything below `row` is empty when no run is finished.
struct row_figures {
  study_row row;
  std::vector<std::uint64_t> seeds, shared_seeds;  // finished, in the outline's order; those that the baseline has finished too
  spread steps, pairs, minutes;                    // of a run
  std::array<std::optional<measured>, study_measure_count> measures;  // as study_measures; none: no such queries
  row_curves curves;
};

struct study_figures {
  study_outline outline;
  std::uint64_t queries = 0, needing_image = 0, products = 0;  // 0: no run is finished
  std::vector<row_figures> rows;                               // as the outline's
};

result<study_figures> figures_of(const study_outline&, std::span<const study_run> finished);

}  // namespace argosy

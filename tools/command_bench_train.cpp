#include <nlohmann/json.hpp>
#include <ostream>

#include "actors/training.hpp"
#include "kernels/linear.hpp"
#include "kernels/peak.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/interrupts.hpp"
#include "tools/passing_folder.hpp"
#include "tools/timing.hpp"

namespace argosy {
namespace {

// Watches a training run whose first steps do not count, and says when there were enough.
class stopwatch {
public:
  stopwatch(const bench_train_options& options, const clock_source& clock)
      : warmup_(options.warmup), wanted_(options.steps), clock_(&clock) {}

  void see(const training_progress& p) {
    if (++seen_ < warmup_ || enough()) return;
    if (seen_ > warmup_) count(p);
    end_ = clock_->now();
    end_flops_ = executed_product_flops();
    if (seen_ == warmup_) begin_ = end_, begin_flops_ = end_flops_;
  }
  bool enough() const noexcept { return step_s_.size() >= wanted_; }

  double seconds() const noexcept { return seconds_between(begin_, end_); }
  double flops() const noexcept { return end_flops_ - begin_flops_; }
  double pairs() const noexcept { return pairs_; }
  double tokens() const noexcept { return tokens_; }
  std::uint64_t seen() const noexcept { return seen_; }
  timing step() const { return timing_of(step_s_); }

private:
  void count(const training_progress& p) {
    step_s_.push_back(p.step_s);
    pairs_ += static_cast<double>(p.report.pairs);
    tokens_ += static_cast<double>(p.report.tokens);
  }

  std::uint64_t warmup_, wanted_, seen_ = 0;
  const clock_source* clock_;
  std::vector<double> step_s_;
  double pairs_ = 0, tokens_ = 0;
  steady_time begin_{}, end_{};
  double begin_flops_ = 0, end_flops_ = 0;
};

// The run as a user would start it, stopped when the watch has seen enough: the schedule stays that of the whole recipe.
status watch_training(const bench_train_options& options, const recipe& chosen, stopwatch& watch, const console& io) {
  ARGOSY_ASSIGN(prepared_data data, prepared_data::open(options.data));
  ARGOSY_ASSIGN(const passing_folder folder, passing_folder::make(std::filesystem::temp_directory_path(), "argosy-bench"));
  std::stop_source source;
  const std::stop_callback pass_on(io.stop, [&] { source.request_stop(); });
  const auto see = [&](const training_progress& p) {
    watch.see(p);
    if (watch.enough()) source.request_stop();
  };
  const training_job job{std::make_shared<const prepared_data>(std::move(data)), chosen, folder.path() / "run", false};
  const auto end = run_training(job, see, source.get_token());
  if (!end.ok()) return end.failure();
  if (io.stop.stop_requested()) return interrupted("nothing was measured");
  if (watch.enough()) return {};
  return {errc::invalid_argument, "want " + std::to_string(options.warmup + options.steps) + " steps to measure, the recipe makes " +
                                      std::to_string(watch.seen()) + " of this data"};
}

struct speed {
  double pairs_per_s = 0, tokens_per_s = 0, gflops = 0, gemm_peak_gflops = 0;
  double flop_share() const noexcept { return gflops / gemm_peak_gflops; }
};

speed speed_of(const stopwatch& watch, double peak_gflops) {
  return {watch.pairs() / watch.seconds(), watch.tokens() / watch.seconds(), watch.flops() / watch.seconds() / 1e9, peak_gflops};
}

void print_json(const speed& s, const stopwatch& watch, const bench_train_options& options, const recipe& chosen, std::ostream& out) {
  const timing step = watch.step();
  const nlohmann::ordered_json object{{"pairs_per_s", s.pairs_per_s}, {"tokens_per_s", s.tokens_per_s},
                                      {"gflops", s.gflops},           {"gemm_peak_gflops", s.gemm_peak_gflops},
                                      {"flop_share", s.flop_share()}, {"steps", options.steps},
                                      {"batch", chosen.train.batch},  {"workers", chosen.train.workers},
                                      {"step_median_s", step.median}, {"step_low_s", step.low},
                                      {"step_high_s", step.high}};
  out << object.dump(2) << '\n';
}

void print_table(const speed& s, const stopwatch& watch, const bench_train_options& options, const recipe& chosen, std::ostream& out) {
  text_table table;
  table.add({"pairs/s", fixed(s.pairs_per_s, 1)});
  table.add({"tokens/s", fixed(s.tokens_per_s, 0)});
  table.add({"GFLOP/s of matrix products", fixed(s.gflops, 1)});
  table.add({"peak of a large product", fixed(s.gemm_peak_gflops, 1)});
  table.add({"share of the peak", fixed(100 * s.flop_share(), 1) + " %"});
  table.add({"a step: median (quartiles)", spread_text(watch.step())});
  table.print(out);
  out << options.steps << " steps of " << chosen.train.batch << " pairs, " << chosen.train.workers << " workers\n";
}

}  // namespace

status run_bench_train(const bench_train_options& options, const console& io) {
  ARGOSY_ASSIGN(const recipe chosen, load_recipe(options.recipe, options.overrides));
  stopwatch watch(options, io.clock);
  ARGOSY_TRY(watch_training(options, chosen, watch, io));
  ARGOSY_ASSIGN(const double peak, measure_product_peak(chosen.train.device, chosen.train.threads, chosen.train.arithmetic));
  const speed measured = speed_of(watch, peak);
  if (options.json) {
    print_json(measured, watch, options, chosen, io.out);
  } else {
    print_table(measured, watch, options, chosen, io.out);
  }
  return {};
}

}  // namespace argosy

#include "tools/load.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace argosy {
namespace {

using nanoseconds = std::chrono::nanoseconds;

constexpr nanoseconds longest_rest = std::chrono::microseconds(50);

nanoseconds from_seconds(double s) { return nanoseconds(static_cast<std::int64_t>(s * 1e9)); }

class load {
public:
  load(load_target& on, const load_options& options, const clock_source& clock)
      : on_(&on), options_(&options), clock_(&clock), random_(options.seed), between_(std::max(options.rate, 1e-9)) {
    next_ = start_ = clock.now();
    measured_from_ = start_ + from_seconds(options.warm_up_s);
    end_ = measured_from_ + from_seconds(options.seconds);
  }

  result<load_figures> run(const std::stop_token& stop) {
    for (steady_time now = start_; now < end_; now = clock_->now()) {
      if (stop.stop_requested()) return status(errc::aborted, "the measurement was interrupted");
      ARGOSY_TRY(ask_what_is_due(now));
      ARGOSY_TRY(take());
      if (answers_.empty()) rest();
    }
    const steady_time patience = clock_->now() + from_seconds(options_->patience_s);
    while (open_ > 0 && clock_->now() < patience && !stop.stop_requested()) {
      ARGOSY_TRY(take());
      if (answers_.empty()) on_->rest(longest_rest);
    }
    return figures();
  }

private:
  bool measured(steady_time due) const { return due >= measured_from_ && due < end_; }

  status ask(steady_time due) {
    due_.push_back(due);
    ++open_;
    if (measured(due)) ++figures_.offered;
    return on_->ask(due_.size() - 1);
  }
  status ask_what_is_due(steady_time now) {
    if (options_->rate <= 0) {
      while (open_ < options_->ahead) ARGOSY_TRY(ask(now));
      return {};
    }
    for (; next_ <= now && next_ < end_; next_ += from_seconds(between_(random_))) ARGOSY_TRY(ask(next_));
    return {};
  }
  status take() {
    answers_.clear();
    ARGOSY_TRY(on_->take(answers_));
    const steady_time now = clock_->now();
    for (const load_answer& one : answers_) {
      --open_;
      if (one.ok && measured(now)) ++figures_.answered;
      if (one.ok && measured(due_[one.number])) times_ms_.push_back(static_cast<float>(seconds_between(due_[one.number], now) * 1e3));
    }
    return {};
  }
  void rest() {
    const nanoseconds until_next = options_->rate > 0 ? std::chrono::duration_cast<nanoseconds>(next_ - clock_->now()) : longest_rest;
    if (until_next.count() > 0) on_->rest(std::min(until_next, longest_rest));
  }
  double percentile(double share) {
    if (times_ms_.empty()) return 0;
    const auto place = static_cast<std::size_t>(std::ceil(share * static_cast<double>(times_ms_.size())));
    return times_ms_[std::clamp<std::size_t>(place, 1, times_ms_.size()) - 1];
  }
  load_figures figures() {
    std::sort(times_ms_.begin(), times_ms_.end());
    figures_.errors = figures_.offered - times_ms_.size();
    figures_.offered_per_s = static_cast<double>(figures_.offered) / options_->seconds;
    figures_.answered_per_s = static_cast<double>(figures_.answered) / options_->seconds;
    figures_.p50_ms = percentile(.5);
    figures_.p99_ms = percentile(.99);
    figures_.p999_ms = percentile(.999);
    figures_.longest_ms = percentile(1);
    return figures_;
  }

  load_target* on_;
  const load_options* options_;
  const clock_source* clock_;
  std::mt19937_64 random_;
  std::exponential_distribution<double> between_;
  steady_time start_, measured_from_, end_, next_;
  std::vector<steady_time> due_;  // by number
  std::vector<load_answer> answers_;
  std::vector<float> times_ms_;
  std::uint64_t open_ = 0;
  load_figures figures_;
};

}  // namespace

result<load_figures> put_load(load_target& on, const load_options& options, const clock_source& clock, const std::stop_token& stop) {
  return load(on, options, clock).run(stop);
}

}  // namespace argosy

#include "actors/step_progress.hpp"

#include <algorithm>
#include <cmath>

namespace argosy {

double per_second(std::uint64_t count, double seconds) noexcept { return seconds > 0 ? static_cast<double>(count) / seconds : 0; }

training_progress progress_of_ranks(std::span<const step_done> parts, std::uint64_t of) {
  training_progress p;
  const auto known = std::ranges::find_if(parts, [](const step_done& part) { return std::isfinite(part.report.loss); });
  p.report = known == parts.end() ? parts.front().report : known->report;
  p.of = of;
  p.report.pairs = p.report.tokens = 0;
  double whole_s = 0;
  for (const step_done& part : parts) {
    const step_report& r = part.report;
    p.report.pairs += r.pairs;
    p.report.tokens += r.tokens;
    for (const auto time : {&step_report::forward_s, &step_report::match_s, &step_report::backward_s, &step_report::update_s,
                            &step_report::gather_s, &step_report::reduce_s, &step_report::wait_s, &step_report::overlap_s})
      p.report.*time = std::max(p.report.*time, r.*time);
    p.idle_s = std::max(p.idle_s, part.idle_s);
    p.data_wait_s = std::max(p.data_wait_s, part.data_wait_s);
    p.step_s = std::max(p.step_s, part.step_s);
    whole_s = std::max(whole_s, part.data_wait_s + part.step_s);
  }
  p.pairs_per_s = per_second(p.report.pairs, whole_s);
  p.tokens_per_s = per_second(p.report.tokens, whole_s);
  return p;
}

}  // namespace argosy

#include "model/schedule.hpp"

#include <cmath>

namespace argosy {

std::string_view name_of(phase p) noexcept {
  switch (p) {
    case phase::in_batch: return "in-batch";
    case phase::bank: return "in-batch+bank";
    case phase::cross_device: return "cross-device";
    case phase::cross_device_and_bank: return "cross-device+bank";
  }
  return "unknown";
}

double rate_at(const optimiser_recipe& o, std::uint64_t step, std::uint64_t of) noexcept {
  const double f = static_cast<double>(step + 1) / static_cast<double>(of);
  if (f <= o.warmup) return o.rate * f / o.warmup;
  return o.warmup < 1 ? o.rate * (1 - f) / (1 - o.warmup) : o.rate;
}

step_plan plan_step(const recipe& r, std::uint64_t step, std::uint64_t of) noexcept {
  const auto reached = [&](double fraction) { return static_cast<double>(step) >= fraction * static_cast<double>(of); };
  const bool bank = r.negatives.bank > 0 && reached(r.negatives.bank_start);
  const bool cross = reached(r.negatives.cross_device_start);
  const auto now = cross ? (bank ? phase::cross_device_and_bank : phase::cross_device) : (bank ? phase::bank : phase::in_batch);
  return {step, of, now, rate_at(r.optimiser, step, of)};
}

std::uint64_t total_steps(const recipe& r, std::uint64_t pairs) noexcept {
  if (r.train.steps > 0) return r.train.steps;
  return static_cast<std::uint64_t>(std::ceil(r.train.epochs * static_cast<double>(pairs) / static_cast<double>(r.train.batch)));
}

}  // namespace argosy

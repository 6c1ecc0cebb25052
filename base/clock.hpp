// Time under the test's hand: everything that measures or waits takes a clock_source.
#pragma once

#include <chrono>

namespace argosy {

using steady_time = std::chrono::steady_clock::time_point;

class clock_source {
public:
  virtual ~clock_source() = default;
  virtual steady_time now() const noexcept = 0;
};

class system_clock_source final : public clock_source {
public:
  steady_time now() const noexcept override { return std::chrono::steady_clock::now(); }
};

// Stands still until told to move.
class manual_clock final : public clock_source {
public:
  steady_time now() const noexcept override { return now_; }
  void advance(std::chrono::nanoseconds by) noexcept { now_ += by; }

private:
  steady_time now_{};
};

inline double seconds_between(steady_time from, steady_time to) noexcept { return std::chrono::duration<double>(to - from).count(); }

}  // namespace argosy

// A collective whose operations take known seconds of a clock that stands still otherwise.   Threads  as the one it is of; sums() any.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "base/clock.hpp"
#include "net/forwarding_group.hpp"

namespace argosy::test {

class timed_group final : public forwarding_group {
public:
  static constexpr int meeting_s = 1, gathering_s = 100, scattering_s = 1000, reducing_s = 10'000, small_sum_s = 10;

  // Both outlive it.
  timed_group(collective& of, manual_clock& clock) : forwarding_group(of), of_(&of), clock_(&clock) {}
  status all_gather(const_view mine, std::span<const std::int64_t> rows_of, view all) override {
    return after(gathering_s, of_->all_gather(mine, rows_of, all));
  }
  status all_gather(std::span<const std::byte> mine, std::span<const std::int64_t> bytes_of, std::span<std::byte> all) override {
    return after(gathering_s, of_->all_gather(mine, bytes_of, all));
  }
  result<std::vector<std::int64_t>> gather_counts(std::int64_t mine) override { return after(meeting_s, of_->gather_counts(mine)); }
  status all_reduce(view x) override {
    status done = after(x.type == dtype::f64 ? small_sum_s : reducing_s, of_->all_reduce(x));
    ++sums_;
    return done;
  }
  int sums() const noexcept { return sums_; }  // that are done
  status reduce_scatter(const_view all, std::span<const std::int64_t> rows_of, view mine) override {
    return after(scattering_s, of_->reduce_scatter(all, rows_of, mine));
  }

private:
  template <class T>
  T after(int seconds, T done) {
    clock_->advance(std::chrono::seconds(seconds));
    return done;
  }

  collective* of_;
  manual_clock* clock_;
  std::atomic<int> sums_{0};
};

}  // namespace argosy::test

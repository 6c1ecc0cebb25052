// When a store is compacted: when somebody asks, and by itself once many rows were put or gone since its generation was published. One
// compaction at a time; after one that failed none begins by itself before a pause, since a full disk stays full for a while.
// Threads   one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "base/clock.hpp"
#include "base/status.hpp"
#include "index/live_generation.hpp"

namespace argosy {

// What there is to compact: a product that was replaced is one put and one gone.
struct changed_rows {
  std::uint64_t generation = 0, products = 0, put = 0, gone = 0;
};
changed_rows changed_rows_of(const live_generation&);

struct compaction_answer {
  enum class what { begun, runs, unchanged, empty, failed };  // empty: every product was removed
  what became = what::failed;
  changed_rows of = {};
  status failure = {};  // of failed: nothing can be written now
};
using tell_compaction = std::function<void(const compaction_answer&)>;  // once; neither blocks nor throws

class compaction_watch {
public:
  // `after` so many rows; 0: when somebody asks alone.
  compaction_watch(std::uint64_t after, std::chrono::nanoseconds pause_after_failure) : after_(after), pause_(pause_after_failure) {}

  bool runs() const noexcept { return runs_; }
  // What to answer who asks; `begun` when one may begin.
  compaction_answer::what asked(const changed_rows&) const noexcept;
  bool due(const changed_rows&, steady_time now) const noexcept;
  void begin() noexcept { runs_ = true; }
  void end(bool well, steady_time now) noexcept;

private:
  std::uint64_t after_;
  std::chrono::nanoseconds pause_;
  bool runs_ = false;
  steady_time not_before_ = steady_time::min();
};

}  // namespace argosy

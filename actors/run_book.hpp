// The coordinator's state: what has been handed out, what came back, what is next. Knows neither actors nor time-outs nor tensors.
// Every worker gets the same stream of orders: steps in their order, and between two steps a `save_order`, so that all ranks bring their
// part of a checkpoint at the same step boundary. Steps are handed out `ahead` of the slowest rank's report.
// Checkpoints   one is written at a time: orders stop before the next one until the last is on disk and, where it is measured, measured.
// Failure       the first cause is kept; one that is not itself an echo of an aborted exchange is preferred. No order follows a failure.
// Threads       one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "actors/messages.hpp"
#include "base/clock.hpp"

namespace argosy {

struct save_order {
  std::uint64_t steps_done = 0;
};
using run_order = std::variant<step_plan, save_order>;

struct run_settings {
  argosy::recipe recipe;
  std::uint64_t of = 0;          // all steps
  std::uint64_t first_step = 0;  // steps done before, by the checkpoint this run goes on from
  std::uint64_t ahead = 2;       // steps handed out before the last one is reported
};

// Whether a run that nobody stops makes a checkpoint then.
bool is_regular_checkpoint(const recipe&, std::uint64_t steps_done, std::uint64_t of) noexcept;

class run_book {
public:
  // The clock outlives the book.
  run_book(const run_settings&, const clock_source&);

  // The next order for all workers, if one may be given now.
  std::optional<run_order> next();
  // Parts of a step, in any order of the ranks; the progress of a step once its last part is there. A part that was not asked for, or that
  // comes twice, is `internal`.
  result<std::optional<training_progress>> take(const step_done&);
  // Parts of a checkpoint; whole once the last is there.
  result<checkpoint_ptr> take(checkpoint_part);
  // Written, and measured where it is.
  void checkpoint_written();

  // No further steps; a checkpoint after those in flight.
  void stop() { stopped_ = true; }
  bool stopped() const noexcept { return stopped_; }
  void fail(const status&);
  bool failed() const noexcept { return !failure_.ok(); }

  // Everything handed out is done: steps, and the last checkpoint. After a failure this never comes true: see `failed`.
  bool complete() const noexcept;
  // REQUIRES complete() or failed().
  result<training_end> end() const;

private:
  int workers() const noexcept { return settings_.recipe.train.workers; }
  bool issued_all() const noexcept { return stopped_ || issued_ == settings_.of; }
  bool checkpoint_due() const noexcept;
  training_progress progress_of(const std::vector<std::optional<step_done>>&);

  run_settings settings_;
  const clock_source* clock_;
  steady_time started_;
  std::uint64_t issued_, done_, saved_;  // steps
  bool writing_ = false, stopped_ = false;
  std::map<std::uint64_t, std::vector<std::optional<step_done>>> parts_;  // by step, then rank
  std::vector<std::optional<checkpoint_part>> checkpoint_parts_;
  std::uint64_t pairs_ = 0;
  double last_loss_ = 0;
  status failure_;
};

}  // namespace argosy

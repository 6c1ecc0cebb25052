// The worker's state: an engine, the times of a step, and the first failure. Knows no actors.
// Failure   a failure, an exception too, is named by rank and step, cuts the group so that no other rank waits for this one, and is the
//           answer to everything after. An aborted exchange is another rank's failure and is passed on under that rank's name.
// Threads   one.
#pragma once

#include <memory>
#include <optional>

#include "actors/job_protocol.hpp"
#include "actors/messages.hpp"
#include "actors/training_engine.hpp"

namespace argosy {

class worker_core {
public:
  // The clock outlives the core.
  worker_core(std::shared_ptr<training_engine>, const clock_source&);

  int rank() const noexcept { return rank_; }
  // Of a node: what its replica has been trained on, none while it has none that is whole; and another group, in which nothing has failed.
  const std::optional<job_mark>& state() const noexcept { return state_; }
  void set_state(const job_mark& mark) { state_ = mark; }
  void reset_state() noexcept { state_.reset(); }
  void enter(group_id, int rank);
  const status& failure() const noexcept { return failure_; }
  status fail(const status& why);  // before any step
  status fail(std::uint64_t step, const status& why);

  result<std::shared_ptr<memory_bank>> open();
  // A step, call by call: begin, batch_came, run, and finish once the products are in the bank.
  void begin();
  void batch_came();
  result<bank_batch> run(const batch&, const step_plan&, const bank_view&);
  step_done finish();
  // Rank 0 brings the weights, every rank its bank.
  result<checkpoint_part> part(std::uint64_t steps_done, bank_snapshot_ptr bank);

private:
  std::shared_ptr<training_engine> engine_;
  const clock_source* clock_;
  int rank_;
  group_id group_ = 0;
  std::optional<job_mark> state_;
  status failure_;
  std::optional<steady_time> finished_;  // the step before
  steady_time began_{}, batch_came_{};
  step_done done_;
};

}  // namespace argosy

#include "actors/worker_core.hpp"

#include <utility>

#include "actors/error.hpp"

namespace argosy {

worker_core::worker_core(std::shared_ptr<training_engine> engine, const clock_source& clock)
    : engine_(std::move(engine)), clock_(&clock), rank_(engine_->rank()) {}

status worker_core::fail(const status& why) {
  if (!failure_.ok()) return failure_;
  failure_ = why.code() == errc::aborted ? why : why.within("rank " + std::to_string(rank_));
  engine_->aborter()->abort(failure_);
  return failure_;
}

status worker_core::fail(std::uint64_t step, const status& why) {
  return fail(why.code() == errc::aborted ? why : why.within("step " + std::to_string(step)));
}

void worker_core::enter(group_id group, int rank) {
  group_ = group;
  rank_ = rank;
  failure_ = {};
  finished_.reset();
}

result<std::shared_ptr<memory_bank>> worker_core::open() {
  auto bank = guarded([&] { return engine_->open(); });
  if (!bank) return fail(bank.failure());
  return bank;
}

void worker_core::begin() { began_ = clock_->now(); }

result<bank_batch> worker_core::run(const batch& b, const step_plan& plan, const bank_view& bank) {
  ARGOSY_TRY(failure_);
  auto ran = guarded([&] { return engine_->run(b, plan, bank); });
  if (!ran) {
    if (ran.failure().code() != errc::aborted) state_.reset();
    return fail(plan.step, ran.failure());
  }
  if (!ran->group.ok() && group_ == 0) return fail(plan.step, ran->group);
  if (state_) state_ = after_step(*state_, group_);
  failure_ = ran->group;
  done_ = {.rank = rank_, .report = ran->report};
  return bank_batch{ran->pushed, plan.step, engine_};
}

void worker_core::batch_came() { batch_came_ = clock_->now(); }

step_done worker_core::finish() {
  const auto now = clock_->now();
  done_.idle_s = finished_ ? seconds_between(*finished_, began_) : 0;
  done_.data_wait_s = seconds_between(began_, batch_came_);
  done_.step_s = seconds_between(batch_came_, now);
  finished_ = now;
  return done_;
}

result<checkpoint_part> worker_core::part(std::uint64_t steps_done, bank_snapshot_ptr bank) {
  ARGOSY_TRY(failure_);
  auto made = guarded([&]() -> result<checkpoint_part> {
    checkpoint_part p{rank_, nullptr, std::move(bank)};
    ARGOSY_ASSIGN(auto state, engine_->capture(steps_done));
    if (state) p.weights = std::make_shared<checkpoint_state>(std::move(*state));
    return p;
  });
  if (!made) return fail(made.failure());
  return made;
}

}  // namespace argosy

#include "actors/worker.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/error.hpp"

namespace argosy {
namespace {

using pointer = worker_actor::stateful_pointer<worker_state>;

struct step_job {
  step_plan plan;
  caf::typed_response_promise<step_done> promise;
  batch_ptr content;
};
using job_ptr = std::shared_ptr<step_job>;

auto give_up(pointer self, const job_ptr& job) {
  return [self, job](const caf::error& why) { job->promise.deliver(error_of(self->state.core->fail(job->plan.step, status_of(why)))); };
}

void finish(pointer self, const job_ptr& job) { job->promise.deliver(self->state.core->finish()); }

void run(pointer self, const job_ptr& job, const bank_view& bank) {
  auto& s = self->state;
  const auto ran = s.core->run(*job->content, job->plan, bank);
  if (!ran) {
    job->promise.deliver(error_of(ran.failure()));
    return;
  }
  if (!s.bank) return finish(self, job);
  self->request(s.bank, s.patience, push_atom_v, *ran).await([self, job](const push_receipt&) { finish(self, job); }, give_up(self, job));
}

void run_with_bank(pointer self, const job_ptr& job) {
  auto& s = self->state;
  s.core->batch_came();
  if (!s.bank || !uses_bank(job->plan.phase)) return run(self, job, {});
  self->request(s.bank, s.patience, view_atom_v)
      .await([self, job](const bank_lease& lease) { run(self, job, lease.view); }, give_up(self, job));
}

caf::result<step_done> step(pointer self, const step_plan& plan) {
  auto& s = self->state;
  if (!s.core->failure().ok()) return error_of(s.core->failure());
  s.core->begin();
  const auto job = std::make_shared<step_job>(step_job{plan, self->make_response_promise<step_done>(), nullptr});
  self->request(s.batches, s.patience, next_atom_v, plan.step)
      .await(
          [self, job](const batch_ptr& content) {
            job->content = content;
            run_with_bank(self, job);
          },
          give_up(self, job));
  return job->promise;
}

caf::result<worker_ready> join(pointer self) {
  auto& s = self->state;
  const auto bank = s.core->open();
  if (!bank) return error_of(bank.failure());
  if (*bank) s.bank = self->spawn<caf::linked>(memory_bank_keeper, *bank);
  return worker_ready{s.core->rank()};
}

caf::result<checkpoint_part> part(pointer self, std::uint64_t steps_done, const bank_snapshot_ptr& bank) {
  auto made = self->state.core->part(steps_done, bank);
  if (!made) return error_of(made.failure());
  return *made;
}

caf::result<checkpoint_part> save(pointer self, std::uint64_t steps_done) {
  auto& s = self->state;
  if (!s.bank) return part(self, steps_done, nullptr);
  auto promise = self->make_response_promise<checkpoint_part>();
  self->request(s.bank, s.patience, save_atom_v)
      .await(
          [self, promise, steps_done](const bank_snapshot_ptr& bank) mutable {
            const auto made = self->state.core->part(steps_done, bank);
            made ? promise.deliver(*made) : promise.deliver(error_of(made.failure()));
          },
          [self, promise](const caf::error& why) mutable { promise.deliver(error_of(self->state.core->fail(status_of(why)))); });
  return promise;
}

}  // namespace

worker_actor::behavior_type worker(pointer self, worker_parts parts) {
  self->state.core = std::make_unique<worker_core>(std::move(parts.engine), *parts.clock);
  self->state.batches = std::move(parts.batches);
  self->state.patience = parts.patience;
  return {
      [self](join_atom) { return join(self); },
      [self](step_atom, const step_plan& plan) { return step(self, plan); },
      [self](save_atom, std::uint64_t steps_done) { return save(self, steps_done); },
  };
}

}  // namespace argosy

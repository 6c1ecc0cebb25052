// A worker's step: its batch, the bank's view, the step, the push, the report; one after the other, of any actor whose state has
//   core (worker_core), batches (loader_actor), bank (memory_bank_actor, may be none), patience
// While it waits, no other message is looked at.
#pragma once

#include <caf/typed_response_promise.hpp>
#include <memory>

#include "actors/error.hpp"
#include "actors/loader.hpp"
#include "actors/memory_bank_actor.hpp"
#include "actors/messages.hpp"

namespace argosy {
namespace step_chain {

struct step_job {
  step_plan plan;
  caf::typed_response_promise<step_done> promise;
  batch_ptr content;
};
using job_ptr = std::shared_ptr<step_job>;

template <class Self>
auto give_up(Self self, const job_ptr& job) {
  return [self, job](const caf::error& why) { job->promise.deliver(error_of(self->state.core->fail(job->plan.step, status_of(why)))); };
}

template <class Self>
void finish(Self self, const job_ptr& job) {
  job->promise.deliver(self->state.core->finish());
}

template <class Self>
void run_batch(Self self, const job_ptr& job, const bank_view& bank) {
  auto& s = self->state;
  const auto ran = s.core->run(*job->content, job->plan, bank);
  if (!ran) {
    job->promise.deliver(error_of(ran.failure()));
    return;
  }
  if (!s.bank) return finish(self, job);
  self->request(s.bank, s.patience, push_atom_v, *ran).await([self, job](const push_receipt&) { finish(self, job); }, give_up(self, job));
}

template <class Self>
void run_with_bank(Self self, const job_ptr& job) {
  auto& s = self->state;
  s.core->batch_came();
  if (!s.bank || !uses_bank(job->plan.phase)) return run_batch(self, job, {});
  self->request(s.bank, s.patience, view_atom_v)
      .await([self, job](const bank_lease& lease) { run_batch(self, job, lease.view); }, give_up(self, job));
}

}  // namespace step_chain

template <class Self>
caf::result<step_done> run_step(Self self, const step_plan& plan) {
  auto& s = self->state;
  if (!s.core->failure().ok()) return error_of(s.core->failure());
  s.core->begin();
  const auto job =
      std::make_shared<step_chain::step_job>(step_chain::step_job{plan, self->template make_response_promise<step_done>(), nullptr});
  self->request(s.batches, s.patience, next_atom_v, plan.step)
      .await(
          [self, job](const batch_ptr& content) {
            job->content = content;
            step_chain::run_with_bank(self, job);
          },
          step_chain::give_up(self, job));
  return job->promise;
}

}  // namespace argosy

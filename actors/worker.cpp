#include "actors/worker.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/error.hpp"
#include "actors/step_chain.hpp"

namespace argosy {
namespace {

using pointer = worker_actor::stateful_pointer<worker_state>;

caf::result<worker_ready> join(pointer self) {
  auto& s = self->state;
  const auto bank = s.core->open();
  if (!bank) return error_of(bank.failure());
  if (*bank) s.bank = self->spawn<caf::linked>(memory_bank_keeper, *bank, no_gauge);
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
      [self](step_atom, const step_plan& plan) { return run_step(self, plan); },
      [self](save_atom, std::uint64_t steps_done) { return save(self, steps_done); },
  };
}

}  // namespace argosy

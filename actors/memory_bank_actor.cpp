#include "actors/memory_bank_actor.hpp"

#include <caf/stateful_actor.hpp>

#include "actors/error.hpp"

namespace argosy {
namespace {

caf::result<push_receipt> push(memory_bank& bank, const bank_batch& batch) {
  const auto& c = batch.columns;
  if (const status pushed = bank.push({c.embedding, c.product, c.log_p, batch.step}); !pushed.ok()) return error_of(pushed);
  return push_receipt{bank.valid()};
}

caf::result<bank_snapshot_ptr> save(const memory_bank& bank) {
  auto saved = bank.save();
  if (!saved) return error_of(saved.failure());
  return bank_snapshot_ptr(std::make_shared<const memory_bank::snapshot>(std::move(saved).value()));
}

caf::result<push_receipt> load(memory_bank& bank, const memory_bank::snapshot& all) {
  if (const status loaded = bank.load(all); !loaded.ok()) return error_of(loaded);
  return push_receipt{bank.valid()};
}

}  // namespace

memory_bank_actor::behavior_type memory_bank_keeper(memory_bank_actor::stateful_pointer<memory_bank_state> self,
                                                    std::shared_ptr<memory_bank> bank, actor_gauge* own) {
  self->state.bank = std::move(bank);
  return {
      gauged(self, own, [self](push_atom, const bank_batch& batch) { return push(*self->state.bank, batch); }),
      gauged(self, own,
             [self](view_atom) {
               return bank_lease{self->state.bank->view(), self->state.bank};
             }),
      gauged(self, own, [self](save_atom) { return save(*self->state.bank); }),
      gauged(self, own, [self](load_atom, const bank_snapshot_ptr& all) { return load(*self->state.bank, *all); }),
  };
}

}  // namespace argosy

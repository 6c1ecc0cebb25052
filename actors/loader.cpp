#include "actors/loader.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>

#include "actors/error.hpp"

namespace argosy {
namespace {

using pointer = loader_actor::stateful_pointer<loader_state>;

caf::result<batch_ptr> next(pointer self, std::uint64_t step) {
  auto taken = self->state.queue->take(step);
  self->send(self, fill_atom_v);
  if (!taken) return error_of(taken.failure());
  return *taken;
}

void fill(pointer self) {
  if (self->state.queue->fill()) self->send(self, fill_atom_v);
}

}  // namespace

loader_actor::behavior_type loader(pointer self, batch_queue::maker make, std::uint64_t end, std::size_t depth, actor_gauge* own) {
  self->state.queue = std::make_unique<batch_queue>(std::move(make), end, depth);
  return {
      gauged(self, own, [self](next_atom, std::uint64_t step) { return next(self, step); }),
      gauged(self, own, [self](fill_atom) { fill(self); }),
  };
}

}  // namespace argosy

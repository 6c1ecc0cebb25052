#include "actors/checkpointer.hpp"

#include "actors/error.hpp"

namespace argosy {
namespace {

caf::result<checkpoint_receipt> save(const checkpoint_writer& write, const checkpoint_state& state, actor_gauge* own) {
  const status written = guarded([&] { return write(state); });
  if (written.ok()) return checkpoint_receipt{state.facts.steps_done};
  if (own != nullptr) own->failed(written.text());
  return error_of(written);
}

}  // namespace

checkpointer_actor::behavior_type checkpointer(checkpointer_actor::pointer self, checkpoint_writer write, actor_gauge* own) {
  return {gauged(self, own, [write = std::move(write), own](save_atom, const checkpoint_ptr& state) { return save(write, *state, own); })};
}

}  // namespace argosy

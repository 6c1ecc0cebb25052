#include "actors/checkpointer.hpp"

#include "actors/error.hpp"

namespace argosy {
namespace {

caf::result<checkpoint_receipt> save(const checkpoint_writer& write, const checkpoint_state& state) {
  if (const status written = guarded([&] { return write(state); }); !written.ok()) return error_of(written);
  return checkpoint_receipt{state.facts.steps_done};
}

}  // namespace

checkpointer_actor::behavior_type checkpointer(checkpointer_actor::pointer, checkpoint_writer write) {
  return {[write = std::move(write)](save_atom, const checkpoint_ptr& state) { return save(write, *state); }};
}

}  // namespace argosy

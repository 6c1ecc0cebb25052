// Checkpointer: writes checkpoints while training goes on.
//   save  (checkpoint)  -> checkpoint_receipt   once the checkpoint is whole on disk and older ones are pruned
// Refusals   what writing refuses: no room, no permission; what lay there before stays usable.
// Ordering   one checkpoint after the other.
// Blocking   writes and fsyncs: spawn it detached.
// Failure    a failure is the answer; the coordinator ends the run with it.
#pragma once

#include <caf/fwd.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <functional>

#include "actors/actor_board.hpp"
#include "actors/messages.hpp"

namespace argosy {

using checkpointer_actor = caf::typed_actor<caf::replies_to<save_atom, checkpoint_ptr>::with<checkpoint_receipt>>;
using checkpoint_writer = std::function<status(const checkpoint_state&)>;

// The gauge may be null; it outlives the actor.
checkpointer_actor::behavior_type checkpointer(checkpointer_actor::pointer, checkpoint_writer, actor_gauge*);

}  // namespace argosy

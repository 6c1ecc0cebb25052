// Memory bank: the product embeddings of past steps, as negatives without gradient (arXiv 2304.04377, section 2.2). State: memory_bank.
//   push  (bank_batch) -> push_receipt        oldest entries leave first; ids, embeddings and log p stay together
//   view  ()           -> bank_lease          valid until the next push; empty at the start, never random
//   save  ()           -> bank_snapshot_ptr   everything, for a checkpoint
//   load  (snapshot)   -> push_receipt        and back
// Refusals   shape_mismatch when widths differ, or what the device says. A refused message changes nothing.
// Ordering   one message at a time: a view never shows half a push.
// Threads    push and save use the worker's device. They never meet the worker's own calls: it awaits each answer and looks at nothing else
//            meanwhile; and when it has waited too long, it has failed and gives its device no more work.
// Failure    its worker owns it; both end and are restored from the same checkpoint.
#pragma once

#include <caf/fwd.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <memory>

#include "actors/actor_board.hpp"
#include "actors/messages.hpp"

namespace argosy {

using memory_bank_actor =
    caf::typed_actor<caf::replies_to<push_atom, bank_batch>::with<push_receipt>, caf::replies_to<view_atom>::with<bank_lease>,
                     caf::replies_to<save_atom>::with<bank_snapshot_ptr>,
                     caf::replies_to<load_atom, bank_snapshot_ptr>::with<push_receipt>>;

struct memory_bank_state {
  static constexpr const char* name = "memory-bank";
  std::shared_ptr<memory_bank> bank;
};

// The gauge may be null; it outlives the actor.
memory_bank_actor::behavior_type memory_bank_keeper(memory_bank_actor::stateful_pointer<memory_bank_state>, std::shared_ptr<memory_bank>,
                                                    actor_gauge*);

}  // namespace argosy

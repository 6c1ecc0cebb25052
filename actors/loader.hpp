// Loader: the batches of one rank, made ahead of need.
//   next  (step)  -> batch       the batch of that step; then goes on making the following ones
//   fill  ()      -> -           to itself: one batch ahead
// Refusals   what make_batch refuses: a prepared file that fails its checksum is named.
// Ordering   requests are answered one after the other. A worker asks for its steps in their order; another order is served, slower.
// Blocking   reads memory-mapped prepared files: spawn it detached.
// Failure    a failure is the answer to the `next` of that step; the loader lives on.
#pragma once

#include <caf/fwd.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <memory>

#include "actors/actor_board.hpp"
#include "actors/batch_queue.hpp"
#include "actors/messages.hpp"

namespace argosy {

using loader_actor = caf::typed_actor<caf::replies_to<next_atom, std::uint64_t>::with<batch_ptr>, caf::reacts_to<fill_atom>>;

struct loader_state {
  static constexpr const char* name = "loader";
  std::unique_ptr<batch_queue> queue;
};

// The gauge may be null; it outlives the actor.
loader_actor::behavior_type loader(loader_actor::stateful_pointer<loader_state>, batch_queue::maker, std::uint64_t end, std::size_t depth,
                                   actor_gauge*);

}  // namespace argosy

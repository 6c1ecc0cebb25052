// Worker: one replica on one device, one rank of the collective. It runs what the coordinator orders and owns its memory bank.
//   join  ()            -> worker_ready      opens the device and the replica, from a checkpoint when there is one
//   step  (step_plan)   -> step_done         batch from its loader, view from its bank, the step, then the push
//   save  (steps done)  -> checkpoint_part   its part of a checkpoint at this step boundary
// Refusals   after a failure everything is answered by that failure.
// Ordering   strictly as sent: while a step waits for its batch or its bank, no later order is looked at. So all ranks, given the same
//            orders, make the same calls of the collective and bring their parts at the same boundary.
// Blocking   in kernels and in the collective: spawn it detached. Inside the collective it reads no mailbox: the abort handle cuts it out.
// Failure    named by rank and step, and the group is cut. Its bank ends with it.
#pragma once

#include <caf/fwd.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <memory>

#include "actors/loader.hpp"
#include "actors/memory_bank_actor.hpp"
#include "actors/messages.hpp"
#include "actors/worker_core.hpp"

namespace argosy {

using worker_actor =
    caf::typed_actor<caf::replies_to<join_atom>::with<worker_ready>, caf::replies_to<step_atom, step_plan>::with<step_done>,
                     caf::replies_to<save_atom, std::uint64_t>::with<checkpoint_part>>;

struct worker_parts {
  std::shared_ptr<training_engine> engine;
  loader_actor batches;
  const clock_source* clock = nullptr;  // outlives the worker
  caf::timespan patience{};             // with loader and bank
};

struct worker_state {
  static constexpr const char* name = "worker";
  std::unique_ptr<worker_core> core;
  loader_actor batches;
  memory_bank_actor bank;  // empty when the recipe has none
  caf::timespan patience{};
};

worker_actor::behavior_type worker(worker_actor::stateful_pointer<worker_state>, worker_parts);

}  // namespace argosy

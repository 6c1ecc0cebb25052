// Evaluator: measures the weights of a checkpoint on judged queries while training goes on.
//   evaluate  (checkpoint)  -> checkpoint_receipt   once its figures are written
// Refusals   what measuring refuses: embeddings that are not finite, no room on the disk.
// Ordering   one checkpoint after the other.
// Blocking   computes for as long as embedding all products takes: spawn it detached.
// Stop       `stop` cuts an evaluation short; the answer is then a receipt without figures.
// Failure    a failure is the answer; the coordinator ends the run with it.
#pragma once

#include <caf/fwd.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <stop_token>

#include "actors/messages.hpp"

namespace argosy {

using evaluator_actor = caf::typed_actor<caf::replies_to<evaluate_atom, checkpoint_ptr>::with<checkpoint_receipt>>;
using checkpoint_measurer = std::function<status(const checkpoint_state&, const std::stop_token&)>;

evaluator_actor::behavior_type evaluator(evaluator_actor::pointer, checkpoint_measurer, std::stop_token stop);

}  // namespace argosy

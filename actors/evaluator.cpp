#include "actors/evaluator.hpp"

#include "actors/error.hpp"

namespace argosy {
namespace {

caf::result<checkpoint_receipt> measure(const checkpoint_measurer& measurer, const checkpoint_state& state, const std::stop_token& stop) {
  const status measured = guarded([&] { return measurer(state, stop); });
  if (!measured.ok() && !stop.stop_requested()) return error_of(measured);
  return checkpoint_receipt{state.facts.steps_done};
}

}  // namespace

evaluator_actor::behavior_type evaluator(evaluator_actor::pointer, checkpoint_measurer measurer, std::stop_token stop) {
  return {[measurer = std::move(measurer), stop = std::move(stop)](evaluate_atom, const checkpoint_ptr& state) {
    return measure(measurer, *state, stop);
  }};
}

}  // namespace argosy

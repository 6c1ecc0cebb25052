#include "actors/evaluator.hpp"

#include "actors/error.hpp"

namespace argosy {
namespace {

caf::result<checkpoint_receipt> measure(const checkpoint_measurer& measurer, const checkpoint_state& state) {
  if (const status measured = guarded([&] { return measurer(state); }); !measured.ok()) return error_of(measured);
  return checkpoint_receipt{state.facts.steps_done};
}

}  // namespace

evaluator_actor::behavior_type evaluator(evaluator_actor::pointer, checkpoint_measurer measurer) {
  return {[measurer = std::move(measurer)](evaluate_atom, const checkpoint_ptr& state) { return measure(measurer, *state); }};
}

}  // namespace argosy

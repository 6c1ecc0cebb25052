// How the threads of servers are scheduled.
#pragma once

#include <sched.h>

namespace argosy {

// The calling thread, woken by an answer, does not interrupt the actor that is about to give the next ones, where both have to share a
// processor: they then leave together, and a third more of them in a second (docs/measurements/serving.md).
inline void let_others_finish() noexcept {
  const sched_param none{};
  static_cast<void>(::sched_setscheduler(0, SCHED_BATCH, &none));
}

}  // namespace argosy

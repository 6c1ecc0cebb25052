// What a worker reports of its part of a step.
#pragma once

#include "actors/train_step.hpp"

namespace argosy {

// One rank's part of a step: its report; how long the rank did no step before it, as it copied a checkpoint or had no order; how long it
// waited for its batch; and how long all of it took after that.
struct step_done {
  int rank = 0;
  step_report report;
  double idle_s = 0, data_wait_s = 0, step_s = 0;
};

}  // namespace argosy

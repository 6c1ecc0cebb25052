// A line of RUN/metrics.jsonl: one JSON object a step, as FORMATS.md lists its keys; numbers are printed so that they read back to the same
// bits. Without the newline.
#pragma once

#include <string>

#include "actors/training.hpp"

namespace argosy {

std::string metrics_line(const training_progress&);

}  // namespace argosy

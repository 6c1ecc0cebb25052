// One global step of what its ranks reported.
#pragma once

#include <cstdint>
#include <span>

#include "actors/step_done.hpp"
#include "actors/training.hpp"

namespace argosy {

// Losses and norms are the same on all ranks that know them. Counts are summed; of the times, which pass side by side, the longest counts. Without
// `seconds_left`, which the run knows. REQUIRES a part.
training_progress progress_of_ranks(std::span<const step_done> parts, std::uint64_t of);

double per_second(std::uint64_t count, double seconds) noexcept;

}  // namespace argosy

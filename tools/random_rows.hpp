// Rows of length one in directions that are all equally likely, for benchmarks: (rows, columns), row-major, the same for the same seed.
#pragma once

#include <cstdint>
#include <vector>

namespace argosy {

std::vector<float> random_unit_rows(std::uint64_t rows, std::uint64_t columns, std::uint64_t seed);

}  // namespace argosy

// More vectors like those of a store, to measure an index with: a million from some ten thousand products.
//     x' = normalised(x_i + a (x_j - x_i) + e)      i drawn evenly; j one of the 16 nearest of i; a even in [0, 1/2];
//                                                   e normal along every column, of expected length 0.2 |x_i|
// so that they fill the space between products as more products would, and differ from them in every column.
#pragma once

#include <cstdint>
#include <vector>

#include "base/status.hpp"
#include "kernels/tensor.hpp"

namespace argosy {

// (count, D). The same vectors, count and seed give the same values.
result<std::vector<float>> enlarged(const_view vectors, std::uint64_t count, std::uint64_t seed, int threads);

}  // namespace argosy

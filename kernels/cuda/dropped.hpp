// Dropout of the elements that a thread holds, for the operators that have it in their own pass.
// Masks     the same integers are compared as on the CPU, so that the mask is the same for every rate.
#pragma once

#include <cstdint>

#include "base/random.hpp"
#include "kernels/cuda/device_code.hpp"

namespace argosy::cuda {

// Rows' pairs and positions lie in the device's memory. Without them nothing is dropped.
struct dropped {
  draw_key key = {};
  std::uint32_t below = 0;  // of a draw of 24 bits
  float kept = 1;
  const std::uint32_t* pair = nullptr;
  const std::int32_t* position = nullptr;

  __device__ bool any() const { return pair != nullptr; }
  // x[i] is the element of column + i, in rows of `columns`. Four neighbours share one block of random bits: REQUIRES N to be 1, or N, column and
  // columns to be multiples of 4.
  template <int N>
  __device__ void apply(std::int64_t row, std::int64_t column, std::int64_t columns, float (&x)[N]) const {
    const auto first = static_cast<std::uint32_t>(position[row] * columns + column);
    if constexpr (N == 1) {
      x[0] = after(bits_of(row, first / 4)[first % 4], x[0]);
    } else {
#pragma unroll
      for (int b = 0; b < N / 4; ++b) {
        const philox_block bits = bits_of(row, first / 4 + b);
#pragma unroll
        for (int i = 0; i < 4; ++i) x[4 * b + i] = after(bits[static_cast<std::size_t>(i)], x[4 * b + i]);
      }
    }
  }

private:
  __device__ philox_block bits_of(std::int64_t row, std::uint32_t counter) const {
    return philox(key.seed, {counter, pair[row], key.step, key.site});
  }
  __device__ float after(std::uint32_t bits, float x) const { return bits >> 8 < below ? 0.f : x * kept; }
};

}  // namespace argosy::cuda

// Products of bfloat16 on the tiles of processors that have them (Intel's AMX): 16 x 16 sums of 32 products each, an instruction.
#pragma once

#include <cstdint>

#include "kernels/tensor.hpp"

namespace argosy::cpu {

struct tile_factor {
  const_view values;  // float32
  bool transposed = false;
};

enum class tile_start : std::uint8_t { zero, add, bias };  // what sums begin with: nothing, what C holds, or the same row everywhere

// Whether processor and kernel let this process use tiles; asked once. The kernel refuses while a thread has a signal stack that is too small.
bool has_tiles() noexcept;

// C (m, n) = start + A (m, k) B (k, n), both factors rounded to bfloat16, sums in float32 in an order that k alone decides, not the number of
// threads; subnormal numbers count as 0. `bias` (n numbers) is read with tile_start::bias alone. C overlaps neither A nor B.
// REQUIRES has_tiles(), m, n, k > 0, `scratch` of tile_product_floats() and aligned to 64 bytes.
// Cost 2 m n k flops. Truth: kernels/reference/linear.cpp, compared in tests/kernels/linear.cpp.
std::int64_t tile_product_floats(int threads, const tile_factor& a, const_view c) noexcept;
void multiply_on_tiles(int threads, const tile_factor& a, const tile_factor& b, tile_start start, const float* bias, view c,
                       float* scratch);

}  // namespace argosy::cpu

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

// Whether processor and kernel let this process use tiles; asked once.
bool has_tiles() noexcept;

// C = start + A B, both factors rounded to bfloat16, sums in float32 over the inner letter in its order, whatever the number of threads.
// `bias` (n numbers) is read with tile_start::bias alone. REQUIRES has_tiles(), `scratch` of tile_product_floats() and aligned to 64 bytes.
std::int64_t tile_product_floats(int threads, const tile_factor& a, const_view c) noexcept;
void multiply_on_tiles(int threads, const tile_factor& a, const tile_factor& b, tile_start start, const float* bias, view c,
                       float* scratch);

}  // namespace argosy::cpu

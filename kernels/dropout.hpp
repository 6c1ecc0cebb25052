// Dropout: Srivastava et al., JMLR 15 (2014).
//     x *= keep / (1 - rate)      the same call on a gradient is its backward
// Masks     a pure function of (seed, step, site, global pair, position * C + column): method.md, section 3. The same on every device.
// Letters   N rows, C columns.
// Truth     kernels/reference/elementwise.cpp, compared in tests/kernels/elementwise.cpp.
#pragma once

#include "base/random.hpp"
#include "kernels/device.hpp"

namespace argosy {

struct dropout_input {
  draw_key key = {};
  double rate = 0;                              // in [0, 1)
  std::span<const std::uint32_t> pair = {};     // (N) global pair of each row
  std::span<const std::int32_t> position = {};  // (N) place of each row in its sequence
};
status dropout(device&, const dropout_input&, view x);

}  // namespace argosy

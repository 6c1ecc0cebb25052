// Moving rows between matrices: embedding look-up and its gradient, [CLS] rows, packing.
//     to[to_index[n]] (=|+=) from[from_index[n]]     n = 0 .. N-1
// An empty index is 0, 1, 2, ...  A from_index of -1 means a row of zeros, a to_index of -1 means nowhere. Rows of `to` may repeat when
// adding: contributions are added in the order of n, so the sum does not depend on the number of threads.
// Truth     kernels/reference/elementwise.cpp, compared in tests/kernels/rows_and_adamw.cpp.
#pragma once

#include "kernels/device.hpp"

namespace argosy {

struct move_rows_input {
  const_view from;                           // (F, C)
  std::span<const std::int32_t> from_index;  // (N) each -1 .. F-1, or empty: N = F
  std::span<const std::int32_t> to_index;    // (N) each -1 .. T-1, or empty: N = T
  bool add = false;
};

status move_rows(device&, const move_rows_input&, view to);  // to (T, C)

}  // namespace argosy

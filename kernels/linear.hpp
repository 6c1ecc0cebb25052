// Affine map.   Y = X W^T + b        dX = dY W      dW += dY^T X      db += sum over rows of dY
// Letters   N rows, I inputs, O outputs.   Cost  2*N*I*O flops forward, twice that backward.
// Truth     kernels/reference/linear.cpp, compared in tests/kernels/linear.cpp.
#pragma once

#include "kernels/device.hpp"

namespace argosy {

struct linear_input {
  const_view x;       // (N, I)
  const_view weight;  // (O, I)
  const_view bias;    // (1, O), or empty: none
};

struct linear_gradient {
  view d_x;                 // (N, I), or empty: not wanted
  bool add_to_d_x = false;  // add instead of overwrite
  view d_weight;            // (O, I), added to; or empty: not wanted
  view d_bias;              // (1, O), added to; or empty: not wanted
};

status linear_forward(device&, const linear_input&, view y);                                   // y (N, O)
status linear_backward(device&, const linear_input&, const_view d_y, const linear_gradient&);  // d_y (N, O)

// Flops of the products executed since the program started, by all threads: the numerator of flop_share.
double executed_product_flops() noexcept;
void count_product_flops(double) noexcept;

}  // namespace argosy

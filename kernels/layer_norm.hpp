// Dropout, residual and layer normalisation in one pass: Ba, Kiros, Hinton, arXiv:1607.06450.
//     z = dropout(x) + residual      y = gain * (z - mean(z)) / sqrt(var(z) + eps) + bias      over each row, var without Bessel
// Letters   N rows, C columns.
// Truth     kernels/reference/normalisation.cpp, compared in tests/kernels/layer_norm.cpp.
#pragma once

#include "kernels/dropout.hpp"

namespace argosy {

struct layer_norm_input {
  const_view x;           // (N, C)
  const_view residual;    // (N, C), or empty
  const_view gain, bias;  // (1, C)
  double eps = 1e-12;
  dropout_input drop = {};  // of x; a rate of 0 drops nothing and reads neither pair nor position
};

// What backward needs, written by forward. Both empty when no backward will follow.
struct layer_norm_saved {
  view normalised;  // (N, C)
  view rstd;        // (1, N)
};

// d_x or d_residual may be d_y; they are not each other. Without dropout the gradient of the residual is that of x, and d_residual is empty.
struct layer_norm_gradient {
  view d_x;              // (N, C)
  view d_gain, d_bias;   // (1, C), added to
  view d_residual = {};  // (N, C), or empty
};

status layer_norm_forward(device&, const layer_norm_input&, view y, const layer_norm_saved&);  // y may be x
// Of the input backward reads gain and drop.
status layer_norm_backward(device&, const layer_norm_input&, const layer_norm_saved&, const_view d_y, const layer_norm_gradient&);

}  // namespace argosy

// Rows scaled to length one.   y = x / max(|x|, 1e-12)        dx = (dy - y (y . dy)) / |x|
// A row no longer than 1e-12 has no direction: its gradient is 0 (ours; the formula's would be 1e12 times too large to follow).
// Letters   N rows, C columns.
// Truth     kernels/reference/normalisation.cpp, compared in tests/kernels/layer_norm.cpp.
#pragma once

#include "kernels/device.hpp"

namespace argosy {

status normalise_forward(device&, const_view x, view y, view norm);                           // norm (1, N): max(|x|, 1e-12)
status normalise_backward(device&, const_view y, const_view norm, const_view d_y, view d_x);  // d_x may be d_y

}  // namespace argosy

// Operators that touch each element once. (N, C) views of one shape, where nothing else is said.
//   bias_gelu     y = gelu(x + b), gelu(z) = z * Phi(z), the exact form with erf: Hendrycks, Gimpel, arXiv:1606.08415. b (1, C) is added
//                 to every row, and backward adds the sums of d_x over the rows to d_b: x comes from a linear map without its bias, so
//                 that neither the sum nor its gradient goes through memory a second time.
//   add           y += x
//   scale_rows    x[n] *= factor[n]
//   add_total     to += factor * sum of all x, in an order that does not depend on the number of threads
//   from_bytes    y = scale * byte + shift: image patches to numbers
//   from_halves   y = the number that 16 bits stand for in IEEE half precision, exactly; none is infinite or NaN (they become finite)
// Truth     kernels/reference/elementwise.cpp, compared in tests/kernels/elementwise.cpp.
#pragma once

#include "kernels/device.hpp"

namespace argosy {

status bias_gelu_forward(device&, const_view x, const_view bias, view y);
status bias_gelu_backward(device&, const_view x, const_view bias, const_view d_y, view d_x, view d_bias);  // d_x may be d_y
status add(device&, const_view x, view y);
status scale_rows(device&, std::span<const float> factor, view x);                                    // factor (N)
status add_total(device&, const_view x, double factor, view to);                                      // to (1, 1)
status from_bytes(device&, std::span<const std::uint8_t> bytes, double scale, double shift, view y);  // N*C bytes
status from_halves(device&, std::span<const std::uint16_t> halves, view y);                           // N*C halves

}  // namespace argosy

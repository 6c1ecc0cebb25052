// AdamW: Loshchilov, Hutter, arXiv:1711.05101, in one pass over memory, with clipping by the norm of all gradients folded in.
//     norm = sqrt(squares)               g = gradient * (norm > clip ? clip / (norm + 1e-6) : 1)       torch's clip_grad_norm_
//     m = beta1 m + (1 - beta1) g        v = beta2 v + (1 - beta2) g^2
//     parameter -= rate * ( weight_decay * parameter + (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + eps) )
// A norm that is not finite changes nothing: a step that went wrong spoils neither parameters nor moments. The norm stays on the device, so
// that an update waits for nobody. In float32 it is infinite from 1.8e19.
// Truth     kernels/reference/elementwise.cpp, compared in tests/kernels/rows_and_adamw.cpp,
//           and with golden/adamw in tests/kernels/golden.cpp.
#pragma once

#include "kernels/device.hpp"

namespace argosy {

struct adamw_settings {
  double rate = 0, beta1 = .9, beta2 = .98, eps = 1e-8, weight_decay = 0;
  double clip = 0;          // > 0 where there are squares
  const_view squares = {};  // (1, 1) of all gradients, as add_squares leaves them; or empty: g = gradient
  std::int64_t step = 1;    // of this update, from 1
};

status adamw(device&, const adamw_settings&, const_view gradient, view parameter, view first, view second);  // (1, n) each
// to (1, 1) += sum of x^2, in an order that does not depend on the number of threads.
status add_squares(device&, const_view x, view to);

}  // namespace argosy

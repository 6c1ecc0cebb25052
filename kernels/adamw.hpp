// AdamW: Loshchilov, Hutter, arXiv:1711.05101, in one pass over memory, with clipping folded into gradient_scale.
//     g = gradient_scale * gradient      m = beta1 m + (1 - beta1) g      v = beta2 v + (1 - beta2) g^2
//     parameter -= rate * ( weight_decay * parameter + (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + eps) )
// Truth     kernels/reference/elementwise.cpp, compared in tests/kernels/cpu_rows_and_adamw.cpp,
//           and with golden/adamw in tests/kernels/golden.cpp.
#pragma once

#include "kernels/device.hpp"

namespace argosy {

struct adamw_settings {
  double rate = 0, beta1 = .9, beta2 = .98, eps = 1e-8, weight_decay = 0;
  double gradient_scale = 1;
  std::int64_t step = 1;  // of this update, from 1
};

status adamw(device&, const adamw_settings&, const_view gradient, view parameter, view first, view second);  // (1, n) each
// In an order that does not depend on the number of threads.
result<double> sum_of_squares(device&, const_view x);

}  // namespace argosy

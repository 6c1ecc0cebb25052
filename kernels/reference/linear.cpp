#include "kernels/linear.hpp"

#include "kernels/reference/reference_device.hpp"

namespace argosy {

status reference_device::linear_forward(const linear_input& in, view y) {
  for (std::int64_t n = 0; n < y.rows; ++n) {
    for (std::int64_t o = 0; o < y.cols; ++o) {
      double sum = in.bias.empty() ? 0 : in.bias.as<double>()[o];
      for (std::int64_t i = 0; i < in.x.cols; ++i) sum += in.x.row<double>(n)[i] * in.weight.row<double>(o)[i];
      y.row<double>(n)[o] = sum;
    }
  }
  return {};
}

status reference_device::linear_backward(const linear_input& in, const_view d_y, const linear_gradient& g) {
  const auto outputs = in.weight.rows, inputs = in.x.cols;
  for (std::int64_t n = 0; n < d_y.rows; ++n) {
    for (std::int64_t o = 0; o < outputs; ++o) {
      const double d = d_y.row<double>(n)[o];
      if (!g.d_bias.empty()) g.d_bias.as<double>()[o] += d;
      if (g.d_weight.empty()) continue;
      for (std::int64_t i = 0; i < inputs; ++i) g.d_weight.row<double>(o)[i] += d * in.x.row<double>(n)[i];
    }
  }
  if (g.d_x.empty()) return {};
  for (std::int64_t n = 0; n < d_y.rows; ++n) {
    for (std::int64_t i = 0; i < inputs; ++i) {
      double sum = g.add_to_d_x ? g.d_x.row<double>(n)[i] : 0;
      for (std::int64_t o = 0; o < outputs; ++o) sum += d_y.row<double>(n)[o] * in.weight.row<double>(o)[i];
      g.d_x.row<double>(n)[i] = sum;
    }
  }
  return {};
}

}  // namespace argosy

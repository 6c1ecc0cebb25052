#include "kernels/linear.hpp"

#include "kernels/cuda/cuda_device.hpp"

namespace argosy::cuda {

status cuda_device::multiply(const product_input& in, view c) {
  count_product_flops(2.0 * static_cast<double>(c.rows) * static_cast<double>(c.cols) * static_cast<double>(in.a.cols()));
  return blas_->multiply(in, c);
}

status cuda_device::linear_forward(const linear_input& in, view y) {
  return multiply({.a = {in.x}, .b = {in.weight, true}, .bias = in.bias}, y);
}

status cuda_device::linear_backward(const linear_input& in, const_view d_y, const linear_gradient& g) {
  if (!g.d_x.empty()) ARGOSY_TRY(multiply({.a = {d_y}, .b = {in.weight}, .add = g.add_to_d_x}, g.d_x));
  if (!g.d_weight.empty()) ARGOSY_TRY(multiply({.a = {d_y, true}, .b = {in.x}, .add = true}, g.d_weight));
  return g.d_bias.empty() ? status{} : add_column_sums(d_y, g.d_bias);
}

}  // namespace argosy::cuda

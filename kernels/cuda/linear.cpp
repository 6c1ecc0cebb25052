#include "kernels/linear.hpp"

#include <algorithm>
#include <initializer_list>

#include "kernels/cuda/cuda_device.hpp"

namespace argosy::cuda {
namespace {

bool any_bf16(std::initializer_list<const_view> all) {
  return std::ranges::any_of(all, [](const const_view& v) { return !v.empty() && v.type == dtype::bf16; });
}

}  // namespace

status cuda_device::multiply(const product_input& in, view c) {
  ARGOSY_TRY(blas_->multiply(in, c));
  count_product_flops(2.0 * static_cast<double>(c.rows) * static_cast<double>(c.cols) * static_cast<double>(in.a.cols()));
  return {};
}

status cuda_device::multiply_fp8(const fp8_product& in, view c) {
  ARGOSY_TRY(blas_->multiply(in, c));
  count_product_flops(2.0 * static_cast<double>(c.rows) * static_cast<double>(c.cols) * static_cast<double>(in.a.cols));
  return {};
}

bool cuda_device::for_fp8(const linear_input& in, const const_view& output) const noexcept {
  if (fp8_ == nullptr || in.weight.cols % fp8_factors::multiple != 0 || in.weight.rows % fp8_factors::multiple != 0) return false;
  return fp8_factors::takes(in.x) && fp8_factors::takes(output);
}

// Weights are rounded from their bfloat16 copies.
status cuda_device::fp8_forward(const linear_input& in, view y) {
  ARGOSY_ASSIGN(const const_view weight, rounding_->weight(in.weight, 2));
  ARGOSY_ASSIGN(const auto x8, fp8_->round(in.weight.data, fp8_role::x, in.x, {.rows = true, .measure = true}));
  ARGOSY_ASSIGN(const auto weight8, fp8_->round(in.weight.data, fp8_role::weight, weight, {.rows = true, .measure = true}));
  const_view bias = in.bias;
  if (!bias.empty()) {
    ARGOSY_ASSIGN(bias, rounding_->weight(in.bias, 1));
  }
  return multiply_fp8({.a = x8.rows, .b = weight8.rows, .fast = true, .bias = bias}, y);
}

status cuda_device::fp8_backward(const linear_input& in, const_view d_y, const linear_gradient& g) {
  const bool of_x = !g.d_x.empty(), of_weight = !g.d_weight.empty();
  ARGOSY_ASSIGN(const auto d8, fp8_->round(in.weight.data, fp8_role::d_y, d_y, {of_x, of_weight, true}));
  if (of_x) {
    ARGOSY_ASSIGN(const const_view weight, rounding_->weight(in.weight, 2));
    ARGOSY_ASSIGN(const auto weight8, fp8_->round(in.weight.data, fp8_role::weight, weight, {.columns = true}));
    ARGOSY_TRY(multiply_fp8({.a = d8.rows, .b = weight8.columns, .add = g.add_to_d_x}, g.d_x));
  }
  if (of_weight) {
    ARGOSY_ASSIGN(const auto x8, fp8_->round(in.weight.data, fp8_role::x, in.x, {.columns = true}));
    ARGOSY_TRY(multiply_fp8({.a = d8.columns, .b = x8.columns, .add = true}, g.d_weight));
  }
  return g.d_bias.empty() ? status{} : add_column_sums(d_y, g.d_bias);
}

result<bool> cuda_device::multiply_and_sum(product_input in, view c, view sums) {
  ARGOSY_ASSIGN(float* const made, scratch(sums.cols));
  in.row_sums = {made, dtype::f32, 1, sums.cols, sums.cols};
  const status done = multiply(in, c);
  if (done.ok()) {
    ARGOSY_TRY(add_partial_sums(made, 1, sums.cols, sums));
    return true;
  }
  if (done.code() != errc::unavailable) return done;
  in.row_sums = {};
  ARGOSY_TRY(multiply(in, c));
  return false;
}

// The factors are of one type: bfloat16 when one of the rows is.
status cuda_device::linear_forward(const linear_input& in, view y) {
  if (for_fp8(in, y)) return fp8_forward(in, y);
  if (!any_bf16({in.x, y})) return multiply({.a = {in.x}, .b = {in.weight, true}, .rounds = rounds(), .bias = in.bias}, y);
  ARGOSY_ASSIGN(const const_view x, rounding_->rows(in.x, 0));
  ARGOSY_ASSIGN(const const_view weight, rounding_->weight(in.weight, 2));
  const_view bias = in.bias;
  if (!bias.empty() && y.type == dtype::bf16) {
    ARGOSY_ASSIGN(bias, rounding_->weight(in.bias, 1));
  }
  return multiply({.a = {x}, .b = {weight, true}, .bias = bias}, y);
}

status cuda_device::linear_backward(const linear_input& in, const_view d_y, const linear_gradient& g) {
  if (for_fp8(in, d_y) && (g.d_x.empty() || fp8_factors::takes(g.d_x))) return fp8_backward(in, d_y, g);
  const bool narrow = any_bf16({in.x, d_y, g.d_x});
  const_view d = d_y, x = in.x, weight = in.weight;
  if (narrow) {
    ARGOSY_ASSIGN(d, rounding_->rows(d_y, 0));
  }
  if (!g.d_x.empty()) {
    if (narrow) {
      ARGOSY_ASSIGN(weight, rounding_->weight(in.weight, 2));
    }
    ARGOSY_TRY(multiply({.a = {d}, .b = {weight}, .add = g.add_to_d_x, .rounds = rounds()}, g.d_x));
  }
  if (!g.d_weight.empty()) {
    if (narrow) {
      ARGOSY_ASSIGN(x, rounding_->rows(in.x, 1));
    }
    const product_input product{.a = {d, true}, .b = {x}, .add = true, .rounds = rounds()};
    if (!g.d_bias.empty() && d_y.type == dtype::bf16) {
      ARGOSY_ASSIGN(const bool summed, multiply_and_sum(product, g.d_weight, g.d_bias));
      if (summed) return {};
    } else {
      ARGOSY_TRY(multiply(product, g.d_weight));
    }
  }
  return g.d_bias.empty() ? status{} : add_column_sums(d_y, g.d_bias);
}

}  // namespace argosy::cuda

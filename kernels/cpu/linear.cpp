#include "kernels/linear.hpp"

#include "kernels/cpu/cpu_device.hpp"
#include "kernels/cpu/parallel.hpp"
#include "kernels/cpu/product.hpp"
#include "kernels/cpu/row_sums.hpp"
#include "kernels/cpu/tile_product.hpp"
#include "kernels/cpu/vec.hpp"

namespace argosy {

bool cpu_device::on_tiles(const_view a, const_view c) const noexcept {
  return compute_ == compute::bfloat16 && cpu::has_tiles() && !a.empty() && !c.empty();
}

status cpu_device::tile_product(const cpu::tile_factor& a, const cpu::tile_factor& b, cpu::tile_start start, const float* bias, view c) {
  ARGOSY_ASSIGN(float* packed, scratch(cpu::tile_product_floats(threads_, a, c)));
  cpu::multiply_on_tiles(threads_, a, b, start, bias, c, packed);
  const std::int64_t inner = a.transposed ? a.values.rows : a.values.cols;
  count_product_flops(2.0 * static_cast<double>(c.rows) * static_cast<double>(c.cols) * static_cast<double>(inner));
  return {};
}

status cpu_device::product(const_view a, bool a_transposed, const_view b, bool b_transposed, bool add, view c) {
  if (on_tiles(a, c))
    return tile_product({a, a_transposed}, {b, b_transposed}, add ? cpu::tile_start::add : cpu::tile_start::zero, nullptr, c);
  if (compute_ == compute::bfloat16) {
    ARGOSY_ASSIGN(float* copies, scratch(cpu::bfloat16_product_floats(a, b)));
    return cpu::multiply_bfloat16(threads_, {a, a_transposed}, {b, b_transposed}, add, c, copies);
  }
  if (a_transposed) {
    ARGOSY_ASSIGN(float* copies, scratch(cpu::gradient_product_floats(a, b)));
    return cpu::add_gradient_product(threads_, a, b, c, copies);
  }
  return cpu::multiply(threads_, a.cols, 1.f, cpu::plain(a), b_transposed ? cpu::transposed(b) : cpu::plain(b), add, c);
}

status cpu_device::linear_forward(const linear_input& in, view y) {
  const bool biased = !in.bias.empty();
  if (biased && on_tiles(in.x, y)) return tile_product({in.x}, {in.weight, true}, cpu::tile_start::bias, in.bias.as<float>(), y);
  if (biased)
    cpu::for_rows(threads_, y.rows, y.cols, [&](std::int64_t row) { std::copy_n(in.bias.as<float>(), y.cols, y.row<float>(row)); });
  return product(in.x, false, in.weight, true, biased, y);
}

status cpu_device::linear_backward(const linear_input& in, const_view d_y, const linear_gradient& gradient) {
  if (!gradient.d_x.empty()) ARGOSY_TRY(product(d_y, false, in.weight, false, gradient.add_to_d_x, gradient.d_x));
  if (!gradient.d_weight.empty()) ARGOSY_TRY(product(d_y, true, in.x, false, true, gradient.d_weight));
  if (gradient.d_bias.empty()) return {};
  ARGOSY_ASSIGN(float* partial, scratch(cpu::row_sum_floats(d_y.rows, d_y.cols, 1)));
  float* const sums[] = {gradient.d_bias.as<float>()};
  cpu::add_row_sums(threads_, d_y.rows, d_y.cols, partial, sums, [&](std::int64_t row, float* const* sum) {
    cpu::map(
        d_y.cols, sum[0], [](cpu::vec s, cpu::vec d) { return s + d; }, sum[0], d_y.row<float>(row));
  });
  return {};
}

}  // namespace argosy

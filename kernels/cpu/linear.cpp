#include "kernels/linear.hpp"

#include "kernels/cpu/cpu_device.hpp"
#include "kernels/cpu/parallel.hpp"
#include "kernels/cpu/product.hpp"
#include "kernels/cpu/row_sums.hpp"
#include "kernels/cpu/vec.hpp"

namespace argosy {

status cpu_device::linear_forward(const linear_input& in, view y) {
  const bool biased = !in.bias.empty();
  if (biased)
    cpu::for_rows(threads_, y.rows, y.cols, [&](std::int64_t row) { std::copy_n(in.bias.as<float>(), y.cols, y.row<float>(row)); });
  return cpu::multiply(threads_, in.x.cols, 1.f, cpu::plain(in.x), cpu::transposed(in.weight), biased, y);
}

status cpu_device::linear_backward(const linear_input& in, const_view d_y, const linear_gradient& gradient) {
  if (!gradient.d_x.empty())
    ARGOSY_TRY(cpu::multiply(threads_, d_y.cols, 1.f, cpu::plain(d_y), cpu::plain(in.weight), gradient.add_to_d_x, gradient.d_x));
  if (!gradient.d_weight.empty()) {
    ARGOSY_ASSIGN(float* copies, scratch(cpu::gradient_product_floats(d_y, in.x)));
    ARGOSY_TRY(cpu::add_gradient_product(threads_, d_y, in.x, gradient.d_weight, copies));
  }
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

#include "kernels/elementwise.hpp"

#include <bit>

#include "kernels/cpu/cpu_device.hpp"
#include "kernels/cpu/parallel.hpp"
#include "kernels/cpu/row_sums.hpp"
#include "kernels/cpu/vec.hpp"

namespace argosy {

namespace {

using cpu::vec;

vec gelu(vec x) noexcept { return x * cpu::normal_cdf(x, cpu::exp(x * x * -.5f)); }

// d/dx x Phi(x) = Phi(x) + x phi(x)
vec gelu_slope(vec x) noexcept {
  constexpr float one_over_sqrt_2_pi = 0.3989422804014327f;
  const vec e = cpu::exp(x * x * -.5f);
  return cpu::normal_cdf(x, e) + x * e * one_over_sqrt_2_pi;
}

}  // namespace

status cpu_device::bias_gelu_forward(const_view x, const_view bias, view y) {
  cpu::for_rows(threads_, x.rows, x.cols, [&](std::int64_t row) {
    cpu::map(
        x.cols, y.row<float>(row), [](vec a, vec b) { return gelu(a + b); }, x.row<float>(row), bias.as<float>());
  });
  return {};
}

status cpu_device::bias_gelu_backward(const_view x, const_view bias, const_view d_y, view d_x, view d_bias) {
  ARGOSY_ASSIGN(float* partial, scratch(cpu::row_sum_floats(x.rows, x.cols, 1)));
  float* const sums[] = {d_bias.as<float>()};
  cpu::add_row_sums(threads_, x.rows, x.cols, partial, sums, [&](std::int64_t row, float* const* sum) {
    const auto chain = [](vec a, vec b, vec d) { return d * gelu_slope(a + b); };
    cpu::map_and_add(x.cols, d_x.row<float>(row), sum[0], chain, x.row<float>(row), bias.as<float>(), d_y.row<float>(row));
  });
  return {};
}

status cpu_device::add(const_view x, view y) {
  const bool flat = x.contiguous() && y.contiguous();
  cpu::for_each_piece(threads_, x.rows, x.cols, flat, [&](std::int64_t row, std::int64_t first, std::int64_t count) {
    float* const to = y.row<float>(row) + first;
    cpu::map(
        count, to, [](vec a, vec b) { return a + b; }, to, x.row<float>(row) + first);
  });
  return {};
}

status cpu_device::scale_rows(std::span<const float> factor, view x) {
  cpu::for_rows(threads_, x.rows, x.cols, [&](std::int64_t row) {
    const float by = factor[static_cast<std::size_t>(row)];
    cpu::map(
        x.cols, x.row<float>(row), [by](vec a) { return a * by; }, x.row<float>(row));
  });
  return {};
}

status cpu_device::from_bytes(std::span<const std::uint8_t> bytes, double scale, double shift, view y) {
  const float by = static_cast<float>(scale), plus = static_cast<float>(shift);
  cpu::for_each_piece(threads_, y.rows, y.cols, y.contiguous(), [&](std::int64_t row, std::int64_t first, std::int64_t count) {
    const std::uint8_t* const from = bytes.data() + row * y.cols + first;
    float* const to = y.row<float>(row) + first;
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) to[i] = by * static_cast<float>(from[i]) + plus;
  });
  return {};
}

// Exponent and fraction in their place in a float make a number 2^112 too small, subnormal ones too.
status cpu_device::from_halves(std::span<const std::uint16_t> halves, view y) {
  cpu::for_each_piece(threads_, y.rows, y.cols, y.contiguous(), [&](std::int64_t row, std::int64_t first, std::int64_t count) {
    const std::uint16_t* const from = halves.data() + row * y.cols + first;
    float* const to = y.row<float>(row) + first;
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) {
      const std::uint32_t half = from[i];
      to[i] = 0x1p112f * std::bit_cast<float>((half & 0x8000u) << 16 | (half & 0x7FFFu) << 13);
    }
  });
  return {};
}

}  // namespace argosy

#include "kernels/layer_norm.hpp"

#include <cmath>

#include "kernels/cpu/cpu_device.hpp"
#include "kernels/cpu/dropout.hpp"
#include "kernels/cpu/parallel.hpp"
#include "kernels/cpu/row_sums.hpp"
#include "kernels/cpu/vec.hpp"

namespace argosy {
namespace {

using cpu::vec;

// Leaves (z - mean) / std of z = x + residual in `to`, which may be x. Returns 1 / std.
float normalise_row(std::int64_t cols, const float* x, const float* residual, double eps, float* to) {
  const float scale = 1.f / static_cast<float>(cols);
  if (residual != nullptr) {
    cpu::map(
        cols, to, [](vec a, vec b) { return a + b; }, x, residual);
    x = to;
  }
  const float mean = scale * cpu::map_sum(
                                 cols, [](vec a) { return a; }, x);
  const float variance = scale * cpu::map_sum(
                                     cols, [mean](vec a) { return (a - mean) * (a - mean); }, x);
  const float rstd = static_cast<float>(1 / std::sqrt(static_cast<double>(variance) + eps));
  cpu::map(
      cols, to, [mean, rstd](vec a) { return (a - mean) * rstd; }, x);
  return rstd;
}

// d_x = rstd * (g - mean(g) - n * mean(g n)), g = gain * d_y, n the normalised row
void row_gradient(std::int64_t cols, const float* gain, const float* normalised, float rstd, const float* d_y, float* d_x) {
  const float scale = 1.f / static_cast<float>(cols);
  const float mean_g = scale * cpu::map_sum(
                                   cols, [](vec g, vec d) { return g * d; }, gain, d_y);
  const float mean_gn = scale * cpu::map_sum(
                                    cols, [](vec g, vec d, vec n) { return g * d * n; }, gain, d_y, normalised);
  const auto chain = [=](vec g, vec d, vec n) { return rstd * (g * d - mean_g - n * mean_gn); };
  cpu::map(cols, d_x, chain, gain, d_y, normalised);
}

}  // namespace

status cpu_device::layer_norm_forward(const layer_norm_input& in, view y, const layer_norm_saved& saved) {
  const float *gain = in.gain.as<float>(), *bias = in.bias.as<float>();
  const cpu::row_dropout drop(in.drop);
  cpu::for_rows(threads_, y.rows, y.cols, [&](std::int64_t row) {
    float* const normalised = saved.normalised.empty() ? y.row<float>(row) : saved.normalised.row<float>(row);
    const float* const residual = in.residual.empty() ? nullptr : in.residual.row<float>(row);
    const float* x = in.x.row<float>(row);
    if (drop.drops()) {
      drop(row, y.cols, x, normalised);
      x = normalised;
    }
    const float rstd = normalise_row(y.cols, x, residual, in.eps, normalised);
    if (!saved.rstd.empty()) saved.rstd.as<float>()[row] = rstd;
    cpu::map(
        y.cols, y.row<float>(row), [](vec n, vec g, vec b) { return n * g + b; }, normalised, gain, bias);
  });
  return {};
}

status cpu_device::layer_norm_backward(const layer_norm_input& in, const layer_norm_saved& saved, const_view d_y,
                                       const layer_norm_gradient& gradient) {
  ARGOSY_ASSIGN(float* partial, scratch(cpu::row_sum_floats(d_y.rows, d_y.cols, 2)));
  float* const sums[] = {gradient.d_gain.as<float>(), gradient.d_bias.as<float>()};
  const cpu::row_dropout drop(in.drop);
  cpu::add_row_sums(threads_, d_y.rows, d_y.cols, partial, sums, [&](std::int64_t row, float* const* sum) {
    const float *normalised = saved.normalised.row<float>(row), *d = d_y.row<float>(row);
    cpu::map(
        d_y.cols, sum[0], [](vec s, vec a, vec n) { return s + a * n; }, sum[0], d, normalised);
    cpu::map(
        d_y.cols, sum[1], [](vec s, vec a) { return s + a; }, sum[1], d);
    float* const d_x = gradient.d_x.row<float>(row);
    float* const d_z = gradient.d_residual.empty() ? d_x : gradient.d_residual.row<float>(row);
    row_gradient(d_y.cols, in.gain.as<float>(), normalised, saved.rstd.as<float>()[row], d, d_z);
    if (drop.drops()) drop(row, d_y.cols, d_z, d_x);
  });
  return {};
}

}  // namespace argosy

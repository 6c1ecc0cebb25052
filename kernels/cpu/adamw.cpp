#include "kernels/adamw.hpp"

#include <cmath>
#include <vector>

#include "kernels/cpu/cpu_device.hpp"
#include "kernels/cpu/parallel.hpp"

namespace argosy {
namespace {

// The constants of one update, rounded once.
struct update {
  float gradient_scale, beta1, other1, beta2, other2, decay, rate1, unbias2, eps;

  explicit update(const adamw_settings& s)
      : gradient_scale(static_cast<float>(s.gradient_scale)),
        beta1(static_cast<float>(s.beta1)),
        other1(static_cast<float>(1 - s.beta1)),
        beta2(static_cast<float>(s.beta2)),
        other2(static_cast<float>(1 - s.beta2)),
        decay(static_cast<float>(s.rate * s.weight_decay)),
        rate1(static_cast<float>(s.rate / (1 - std::pow(s.beta1, static_cast<double>(s.step))))),
        unbias2(static_cast<float>(1 / std::sqrt(1 - std::pow(s.beta2, static_cast<double>(s.step))))),
        eps(static_cast<float>(s.eps)) {}
};

void update_piece(const update& u, std::int64_t count, const float* gradient, float* parameter, float* first, float* second) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = u.gradient_scale * gradient[i];
    const float m = u.beta1 * first[i] + u.other1 * g;
    const float v = u.beta2 * second[i] + u.other2 * (g * g);
    first[i] = m;
    second[i] = v;
    parameter[i] -= u.decay * parameter[i] + u.rate1 * m / (std::sqrt(v) * u.unbias2 + u.eps);
  }
}

double squares_of(const float* x, std::int64_t count) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (std::int64_t i = 0; i < count; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return total;
}

}  // namespace

status cpu_device::adamw(const adamw_settings& settings, const_view gradient, view parameter, view first, view second) {
  const update u(settings);
  cpu::for_pieces(threads_, parameter.cols, cpu::piece_elements, [&](std::int64_t, std::int64_t from, std::int64_t to) {
    update_piece(u, to - from, gradient.as<float>() + from, parameter.as<float>() + from, first.as<float>() + from,
                 second.as<float>() + from);
  });
  return {};
}

result<double> cpu_device::sum_of_squares(const_view x) {
  const bool flat = x.contiguous();
  const std::int64_t rows = flat ? 1 : x.rows, cols = flat ? x.rows * x.cols : x.cols;
  double total = 0;
  std::vector<double> partial(static_cast<std::size_t>(cpu::pieces_of(cols, cpu::piece_elements)));
  for (std::int64_t row = 0; row < rows; ++row) {
    cpu::for_pieces(threads_, cols, cpu::piece_elements, [&](std::int64_t piece, std::int64_t from, std::int64_t to) {
      partial[static_cast<std::size_t>(piece)] = squares_of(x.row<float>(row) + from, to - from);
    });
    for (const double part : partial) total += part;
  }
  return total;
}

}  // namespace argosy

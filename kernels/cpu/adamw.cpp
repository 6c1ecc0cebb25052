#include "kernels/adamw.hpp"

#include <cmath>
#include <optional>

#include "kernels/cpu/cpu_device.hpp"
#include "kernels/cpu/parallel.hpp"

namespace argosy {
namespace {

// The constants of one update, rounded once.
struct update {
  float shrink, beta1, other1, beta2, other2, decay, rate1, unbias2, eps;

  update(const adamw_settings& s, double shrinks)
      : shrink(static_cast<float>(shrinks)),
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
    const float g = u.shrink * gradient[i];
    const float m = u.beta1 * first[i] + u.other1 * g;
    const float v = u.beta2 * second[i] + u.other2 * (g * g);
    first[i] = m;
    second[i] = v;
    parameter[i] -= u.decay * parameter[i] + u.rate1 * m / (std::sqrt(v) * u.unbias2 + u.eps);
  }
}

// What gradients are multiplied with; nothing where their norm is not finite.
std::optional<double> clip_scale(const adamw_settings& s) {
  if (s.squares.empty()) return 1;
  const double norm = std::sqrt(static_cast<double>(*s.squares.as<float>()));
  if (!std::isfinite(norm)) return std::nullopt;
  return norm > s.clip ? s.clip / (norm + 1e-6) : 1;
}

}  // namespace

status cpu_device::adamw(const adamw_settings& settings, const_view gradient, view parameter, view first, view second) {
  const std::optional<double> shrinks = clip_scale(settings);
  if (!shrinks) return {};
  const update u(settings, *shrinks);
  cpu::for_pieces(threads_, parameter.cols, cpu::piece_elements, [&](std::int64_t, std::int64_t from, std::int64_t to) {
    update_piece(u, to - from, gradient.as<float>() + from, parameter.as<float>() + from, first.as<float>() + from,
                 second.as<float>() + from);
  });
  return {};
}

}  // namespace argosy

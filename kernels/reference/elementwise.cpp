#include "kernels/elementwise.hpp"

#include <algorithm>
#include <cmath>
#include <new>
#include <numbers>

#include "kernels/adamw.hpp"
#include "kernels/dropout.hpp"
#include "kernels/reference/reference_device.hpp"
#include "kernels/rows.hpp"

namespace argosy {
namespace {

template <class Visit>
void each(const_view shape, Visit visit) {
  for (std::int64_t r = 0; r < shape.rows; ++r)
    for (std::int64_t c = 0; c < shape.cols; ++c) visit(r, c);
}

double normal_cdf(double x) { return .5 * std::erfc(-x / std::numbers::sqrt2); }
double normal_density(double x) { return std::exp(-.5 * x * x) / std::sqrt(2 * std::numbers::pi); }

}  // namespace

std::unique_ptr<device> make_reference_device() { return std::make_unique<reference_device>(); }

result<std::shared_ptr<std::byte>> reference_device::allocate(std::size_t bytes) {
  auto* memory = new (std::nothrow) double[bytes / sizeof(double) + 1]();
  if (memory == nullptr) return status{errc::io_error, "out of memory: wanted " + std::to_string(bytes) + " bytes"};
  return std::shared_ptr<std::byte>(reinterpret_cast<std::byte*>(memory), [memory](std::byte*) { delete[] memory; });
}

void reference_device::zero(view x) {
  each(x, [&](auto r, auto c) { x.row<double>(r)[c] = 0; });
}

status reference_device::upload(const void* from, view to) {
  each(to, [&](auto r, auto c) { to.row<double>(r)[c] = static_cast<const double*>(from)[r * to.cols + c]; });
  return {};
}

status reference_device::download(const_view from, void* to) {
  each(from, [&](auto r, auto c) { static_cast<double*>(to)[r * from.cols + c] = from.row<double>(r)[c]; });
  return {};
}

status reference_device::bias_gelu_forward(const_view x, const_view bias, view y) {
  each(x, [&](auto r, auto c) {
    const double v = x.row<double>(r)[c] + bias.row<double>(0)[c];
    y.row<double>(r)[c] = v * normal_cdf(v);
  });
  return {};
}

status reference_device::bias_gelu_backward(const_view x, const_view bias, const_view d_y, view d_x, view d_bias) {
  each(x, [&](auto r, auto c) {
    const double v = x.row<double>(r)[c] + bias.row<double>(0)[c];
    const double d = d_y.row<double>(r)[c] * (normal_cdf(v) + v * normal_density(v));
    d_x.row<double>(r)[c] = d;
    d_bias.row<double>(0)[c] += d;
  });
  return {};
}

status reference_device::add(const_view x, view y) {
  each(x, [&](auto r, auto c) { y.row<double>(r)[c] += x.row<double>(r)[c]; });
  return {};
}

status reference_device::scale_rows(std::span<const float> factor, view x) {
  each(x, [&](auto r, auto c) { x.row<double>(r)[c] *= static_cast<double>(factor[static_cast<std::size_t>(r)]); });
  return {};
}

status reference_device::from_bytes(std::span<const std::uint8_t> bytes, double scale, double shift, view y) {
  each(y, [&](auto r, auto c) { y.row<double>(r)[c] = scale * bytes[static_cast<std::size_t>(r * y.cols + c)] + shift; });
  return {};
}

status reference_device::from_halves(std::span<const std::uint16_t> halves, view y) {
  each(y, [&](auto r, auto c) {
    const int half = halves[static_cast<std::size_t>(r * y.cols + c)], exponent = half >> 10 & 31, fraction = half & 1023;
    const double magnitude = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    y.row<double>(r)[c] = half >> 15 == 0 ? magnitude : -magnitude;
  });
  return {};
}

double dropout_factor(const dropout_input& in, std::int64_t row, std::int64_t column, std::int64_t columns) {
  if (in.rate == 0) return 1;
  const auto at = static_cast<std::size_t>(row);
  const auto element = static_cast<std::uint32_t>(in.position[at] * columns + column);
  const bool keep = static_cast<double>(random_uniform(in.key, in.pair[at], element)) >= in.rate;
  return keep ? 1 / (1 - in.rate) : 0;
}

status reference_device::dropout(const dropout_input& in, view x) {
  each(x, [&](auto r, auto c) { x.row<double>(r)[c] *= dropout_factor(in, r, c, x.cols); });
  return {};
}

status reference_device::move_rows(const move_rows_input& in, view to) {
  const auto count = in.from_index.empty() ? in.from.rows : static_cast<std::int64_t>(in.from_index.size());
  for (std::int64_t n = 0; n < count; ++n) {
    const auto at = static_cast<std::size_t>(n);
    const auto source = in.from_index.empty() ? n : in.from_index[at];
    const auto target = in.to_index.empty() ? n : in.to_index[at];
    if (target < 0) continue;
    for (std::int64_t c = 0; c < to.cols; ++c) {
      const double moved = source < 0 ? 0 : in.from.row<double>(source)[c];
      double& out = to.row<double>(target)[c];
      out = in.add ? out + moved : moved;
    }
  }
  return {};
}

status reference_device::add_total(const_view x, double factor, view to) {
  double sum = 0;
  each(x, [&](auto r, auto c) { sum += x.row<double>(r)[c]; });
  *to.as<double>() += factor * sum;
  return {};
}

status reference_device::add_squares(const_view x, view to) {
  double sum = 0;
  each(x, [&](auto r, auto c) { sum += x.row<double>(r)[c] * x.row<double>(r)[c]; });
  *to.as<double>() += sum;
  return {};
}

status reference_device::adamw(const adamw_settings& s, const_view gradient, view parameter, view first, view second) {
  double shrink = 1;
  if (!s.squares.empty()) {
    const double norm = std::sqrt(*s.squares.as<double>());
    if (!std::isfinite(norm)) return {};
    if (norm > s.clip) shrink = s.clip / (norm + 1e-6);
  }
  const double correct1 = 1 - std::pow(s.beta1, static_cast<double>(s.step)), correct2 = 1 - std::pow(s.beta2, static_cast<double>(s.step));
  for (std::int64_t i = 0; i < gradient.cols; ++i) {
    const double g = shrink * gradient.as<double>()[i];
    double &p = parameter.as<double>()[i], &m = first.as<double>()[i], &v = second.as<double>()[i];
    m = s.beta1 * m + (1 - s.beta1) * g;
    v = s.beta2 * v + (1 - s.beta2) * g * g;
    p -= s.rate * (s.weight_decay * p + m / correct1 / (std::sqrt(v / correct2) + s.eps));
  }
  return {};
}

}  // namespace argosy

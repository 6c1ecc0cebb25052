#include <algorithm>
#include <cmath>

#include "kernels/layer_norm.hpp"
#include "kernels/modal_gate.hpp"
#include "kernels/normalise.hpp"
#include "kernels/reference/reference_device.hpp"

namespace argosy {
namespace {

constexpr double shortest = 1e-12;

}  // namespace

status reference_device::layer_norm_forward(const layer_norm_input& in, view y, const layer_norm_saved& saved) {
  const auto columns = static_cast<double>(y.cols);
  for (std::int64_t n = 0; n < y.rows; ++n) {
    const auto z = [&](std::int64_t c) {
      const double kept = in.x.row<double>(n)[c] * dropout_factor(in.drop, n, c, y.cols);
      return kept + (in.residual.empty() ? 0 : in.residual.row<double>(n)[c]);
    };
    double mean = 0, variance = 0;
    for (std::int64_t c = 0; c < y.cols; ++c) mean += z(c) / columns;
    for (std::int64_t c = 0; c < y.cols; ++c) variance += (z(c) - mean) * (z(c) - mean) / columns;
    const double rstd = 1 / std::sqrt(variance + in.eps);
    if (!saved.rstd.empty()) saved.rstd.as<double>()[n] = rstd;
    for (std::int64_t c = 0; c < y.cols; ++c) {
      const double normalised = (z(c) - mean) * rstd;
      if (!saved.normalised.empty()) saved.normalised.row<double>(n)[c] = normalised;
      y.row<double>(n)[c] = in.gain.as<double>()[c] * normalised + in.bias.as<double>()[c];
    }
  }
  return {};
}

// dz = rstd * (g - mean(g) - normalised * mean(g * normalised)), g = gain * dy
status reference_device::layer_norm_backward(const layer_norm_input& in, const layer_norm_saved& saved, const_view d_y,
                                             const layer_norm_gradient& out) {
  const auto columns = static_cast<double>(d_y.cols);
  for (std::int64_t n = 0; n < d_y.rows; ++n) {
    const auto* normalised = saved.normalised.row<double>(n);
    const auto g = [&](std::int64_t c) { return in.gain.as<double>()[c] * d_y.row<double>(n)[c]; };
    double mean = 0, along = 0;
    for (std::int64_t c = 0; c < d_y.cols; ++c) {
      mean += g(c) / columns;
      along += g(c) * normalised[c] / columns;
      out.d_gain.as<double>()[c] += d_y.row<double>(n)[c] * normalised[c];
      out.d_bias.as<double>()[c] += d_y.row<double>(n)[c];
    }
    for (std::int64_t c = 0; c < d_y.cols; ++c) {
      const double d_z = saved.rstd.as<double>()[n] * (g(c) - mean - normalised[c] * along);
      if (!out.d_residual.empty()) out.d_residual.row<double>(n)[c] = d_z;
      out.d_x.row<double>(n)[c] = d_z * dropout_factor(in.drop, n, c, d_y.cols);
    }
  }
  return {};
}

status reference_device::normalise_forward(const_view x, view y, view norm) {
  for (std::int64_t n = 0; n < x.rows; ++n) {
    double squares = 0;
    for (std::int64_t c = 0; c < x.cols; ++c) squares += x.row<double>(n)[c] * x.row<double>(n)[c];
    const double length = std::max(std::sqrt(squares), shortest);
    norm.as<double>()[n] = length;
    for (std::int64_t c = 0; c < x.cols; ++c) y.row<double>(n)[c] = x.row<double>(n)[c] / length;
  }
  return {};
}

status reference_device::normalise_backward(const_view y, const_view norm, const_view d_y, view d_x) {
  for (std::int64_t n = 0; n < y.rows; ++n) {
    const double length = norm.as<double>()[n];
    const double inverse = length > shortest ? 1 / length : 0;
    double along = 0;
    for (std::int64_t c = 0; c < y.cols; ++c) along += y.row<double>(n)[c] * d_y.row<double>(n)[c];
    for (std::int64_t c = 0; c < y.cols; ++c) d_x.row<double>(n)[c] = (d_y.row<double>(n)[c] - y.row<double>(n)[c] * along) * inverse;
  }
  return {};
}

status reference_device::modal_gate_forward(const modal_gate_input& in, view product, view gate) {
  for (std::int64_t b = 0; b < product.rows; ++b) {
    const auto present = in.present[static_cast<std::size_t>(b)];
    const double* logits = in.logits.row<double>(b);
    double title = 1 / (1 + std::exp(logits[1] - logits[0]));
    if (present != modality::both) title = present == modality::title_only ? 1 : 0;
    gate.row<double>(b)[0] = title;
    gate.row<double>(b)[1] = 1 - title;
    for (std::int64_t c = 0; c < product.cols; ++c) {
      const double from_title = present == modality::image_only ? 0 : title * in.title.row<double>(b)[c];
      const double from_image = present == modality::title_only ? 0 : (1 - title) * in.image.row<double>(b)[c];
      product.row<double>(b)[c] = from_title + from_image;
    }
  }
  return {};
}

status reference_device::modal_gate_backward(const modal_gate_input& in, const_view gate, const_view d_product,
                                             const modal_gate_gradient& out) {
  for (std::int64_t b = 0; b < d_product.rows; ++b) {
    const bool both = in.present[static_cast<std::size_t>(b)] == modality::both;
    const double title = gate.row<double>(b)[0], image = gate.row<double>(b)[1];
    double d_gate = 0;  // of title against image
    for (std::int64_t c = 0; c < d_product.cols; ++c) {
      const double d = d_product.row<double>(b)[c];
      out.d_title.row<double>(b)[c] = title * d;
      out.d_image.row<double>(b)[c] = image * d;
      if (both) d_gate += d * (in.title.row<double>(b)[c] - in.image.row<double>(b)[c]);
    }
    out.d_logits.row<double>(b)[0] = both ? d_gate * title * image : 0;
    out.d_logits.row<double>(b)[1] = both ? -d_gate * title * image : 0;
  }
  return {};
}

}  // namespace argosy

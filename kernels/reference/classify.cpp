#include "kernels/classify.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/reference/reference_device.hpp"

namespace argosy {
namespace {

double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

std::vector<double> log_softmax(const double* x, std::int64_t columns) {
  const double largest = *std::max_element(x, x + columns);
  double sum = 0;
  for (std::int64_t c = 0; c < columns; ++c) sum += std::exp(x[c] - largest);
  std::vector<double> y(x, x + columns);
  for (double& value : y) value -= largest + std::log(sum);
  return y;
}

}  // namespace

status reference_device::pair_features_forward(const pair_rows& in, view y) {
  const std::int64_t columns = in.query.cols;
  for (std::int64_t n = 0; n < y.rows; ++n) {
    for (std::int64_t c = 0; c < columns; ++c) {
      const double q = in.query.row<double>(n)[c], p = in.product.row<double>(n)[c];
      double* const to = y.row<double>(n) + c;
      to[0] = q;
      to[columns] = p;
      to[2 * columns] = q * p;
      to[3 * columns] = std::abs(q - p);
    }
  }
  return {};
}

status reference_device::pair_features_backward(const pair_rows& in, const_view d_y, view d_query, view d_product) {
  const std::int64_t columns = in.query.cols;
  for (std::int64_t n = 0; n < d_y.rows; ++n) {
    for (std::int64_t c = 0; c < columns; ++c) {
      const double q = in.query.row<double>(n)[c], p = in.product.row<double>(n)[c];
      const double* const d = d_y.row<double>(n) + c;
      const double d_apart = d[3 * columns] * sign(q - p);
      d_query.row<double>(n)[c] = d[0] + d[2 * columns] * p + d_apart;
      d_product.row<double>(n)[c] = d[columns] + d[2 * columns] * q - d_apart;
    }
  }
  return {};
}

status reference_device::cross_entropy(const cross_entropy_input& in, double d_loss, view loss, view d_logits) {
  for (std::int64_t n = 0; n < in.logits.rows; ++n) {
    const auto log_p = log_softmax(in.logits.row<double>(n), in.logits.cols);
    const std::int64_t label = in.label[static_cast<std::size_t>(n)];
    loss.as<double>()[n] = -log_p[static_cast<std::size_t>(label)];
    for (std::int64_t c = 0; c < in.logits.cols; ++c)
      d_logits.row<double>(n)[c] = d_loss * (std::exp(log_p[static_cast<std::size_t>(c)]) - (c == label ? 1 : 0));
  }
  return {};
}

status reference_device::divergence(const divergence_input& in, double d_loss, view loss, view d_predicted) {
  for (std::int64_t n = 0; n < in.target.rows; ++n) {
    const auto log_t = log_softmax(in.target.row<double>(n), in.target.cols);
    const auto log_p = log_softmax(in.predicted.row<double>(n), in.target.cols);
    loss.as<double>()[n] = 0;
    for (std::size_t c = 0; c < log_t.size(); ++c) {
      loss.as<double>()[n] += std::exp(log_t[c]) * (log_t[c] - log_p[c]);
      d_predicted.row<double>(n)[c] = d_loss * (std::exp(log_p[c]) - std::exp(log_t[c]));
    }
  }
  return {};
}

}  // namespace argosy

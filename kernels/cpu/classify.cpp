#include "kernels/classify.hpp"

#include <cmath>

#include "kernels/cpu/cpu_device.hpp"
#include "kernels/cpu/parallel.hpp"
#include "kernels/cpu/vec.hpp"

namespace argosy {
namespace {

using cpu::vec;

vec sign(vec x) { return x > vec{} ? cpu::splat(1.f) : x < vec{} ? cpu::splat(-1.f) : vec{}; }

double log_sum_exp(const float* x, std::int64_t columns) {
  const float top = cpu::largest_of(columns, x);
  const float sum = cpu::map_sum(
      columns, [top](vec a) { return cpu::exp(a - top); }, x);
  return static_cast<double>(top) + std::log(static_cast<double>(sum));
}

}  // namespace

status cpu_device::pair_features_forward(const pair_rows& in, view y) {
  const std::int64_t columns = in.query.cols;
  cpu::for_rows(threads_, y.rows, y.cols, [&](std::int64_t row) {
    const float *q = in.query.row<float>(row), *p = in.product.row<float>(row);
    float* const to = y.row<float>(row);
    std::copy_n(q, columns, to);
    std::copy_n(p, columns, to + columns);
    cpu::map(
        columns, to + 2 * columns, [](vec a, vec b) { return a * b; }, q, p);
    cpu::map(
        columns, to + 3 * columns, [](vec a, vec b) { return cpu::abs(a - b); }, q, p);
  });
  return {};
}

status cpu_device::pair_features_backward(const pair_rows& in, const_view d_y, view d_query, view d_product) {
  const std::int64_t columns = in.query.cols;
  cpu::for_rows(threads_, d_y.rows, d_y.cols, [&](std::int64_t row) {
    const float *q = in.query.row<float>(row), *p = in.product.row<float>(row), *d = d_y.row<float>(row);
    const float *d_multiplied = d + 2 * columns, *d_apart = d + 3 * columns;
    cpu::map(
        columns, d_query.row<float>(row), [](vec own, vec m, vec apart, vec a, vec b) { return own + m * b + apart * sign(a - b); }, d,
        d_multiplied, d_apart, q, p);
    cpu::map(
        columns, d_product.row<float>(row), [](vec own, vec m, vec apart, vec a, vec b) { return own + m * a - apart * sign(a - b); },
        d + columns, d_multiplied, d_apart, q, p);
  });
  return {};
}

status cpu_device::cross_entropy(const cross_entropy_input& in, double d_loss, view loss, view d_logits) {
  const std::int64_t columns = in.logits.cols;
  cpu::for_rows(threads_, in.logits.rows, columns, [&](std::int64_t row) {
    const float* const x = in.logits.row<float>(row);
    float* const d = d_logits.row<float>(row);
    const std::int32_t label = in.label[static_cast<std::size_t>(row)];
    const double lse = log_sum_exp(x, columns);
    loss.as<float>()[row] = static_cast<float>(lse - static_cast<double>(x[label]));
    cpu::map(
        columns, d, [by = static_cast<float>(d_loss), lse = static_cast<float>(lse)](vec a) { return cpu::exp(a - lse) * by; }, x);
    d[label] -= static_cast<float>(d_loss);
  });
  return {};
}

status cpu_device::divergence(const divergence_input& in, double d_loss, view loss, view d_predicted) {
  const std::int64_t columns = in.target.cols;
  cpu::for_rows(threads_, in.target.rows, columns, [&](std::int64_t row) {
    const float *t = in.target.row<float>(row), *p = in.predicted.row<float>(row);
    const double lse_t = log_sum_exp(t, columns), lse_p = log_sum_exp(p, columns);
    const float own = static_cast<float>(lse_t), apart = static_cast<float>(lse_p - lse_t);
    const auto term = [own, apart](vec a, vec b) { return cpu::exp(a - own) * (a - b + apart); };
    loss.as<float>()[row] = cpu::map_sum(columns, term, t, p);
    const auto slope = [by = static_cast<float>(d_loss), own, other = static_cast<float>(lse_p)](vec a, vec b) {
      return (cpu::exp(b - other) - cpu::exp(a - own)) * by;
    };
    cpu::map(columns, d_predicted.row<float>(row), slope, t, p);
  });
  return {};
}

}  // namespace argosy

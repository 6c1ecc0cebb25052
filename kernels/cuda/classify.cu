#include "kernels/classify.hpp"

#include "kernels/cuda/cuda_device.hpp"
#include "kernels/cuda/launch.hpp"
#include "kernels/cuda/warp_rows.hpp"

namespace argosy::cuda {
namespace {

struct features {
  matrix<const float> query, product;
  matrix<float> y;
  __device__ void operator()(std::int64_t n, std::int64_t c) const {
    const float q = query.row(n)[c], p = product.row(n)[c];
    float* const to = y.row(n) + c;
    to[0] = q;
    to[query.cols] = p;
    to[2 * query.cols] = q * p;
    to[3 * query.cols] = fabsf(q - p);
  }
};

struct features_gradient {
  matrix<const float> query, product, d_y;
  matrix<float> d_query, d_product;
  __device__ void operator()(std::int64_t n, std::int64_t c) const {
    const float q = query.row(n)[c], p = product.row(n)[c];
    const float* const d = d_y.row(n) + c;
    const float sign = q > p ? 1.f : q < p ? -1.f : 0.f, d_apart = d[3 * query.cols] * sign;
    d_query.row(n)[c] = d[0] + d[2 * query.cols] * p + d_apart;
    d_product.row(n)[c] = d[query.cols] + d[2 * query.cols] * q - d_apart;
  }
};

// ln of the sum of e^x over a row, by a whole warp.
__device__ float log_sum(const float* x, std::int64_t cols) {
  float top = -INFINITY, sum = 0;
  for (std::int64_t c = lane(); c < cols; c += warp_size) top = fmaxf(top, x[c]);
  top = warp_largest(top);
  for (std::int64_t c = lane(); c < cols; c += warp_size) sum += expf(x[c] - top);
  return top + logf(warp_sum(sum));
}

struct cross_entropy_row {
  matrix<const float> logits;
  const std::int32_t* label;
  float d_loss;
  float* loss;
  matrix<float> d_logits;
  __device__ void operator()(std::int64_t n) const {
    const float* const x = logits.row(n);
    const float all = log_sum(x, logits.cols), own = x[label[n]];
    for (std::int64_t c = lane(); c < logits.cols; c += warp_size)
      d_logits.row(n)[c] = d_loss * (expf(x[c] - all) - (c == label[n] ? 1.f : 0.f));
    if (lane() == 0) loss[n] = all - own;
  }
};

struct divergence_row {
  matrix<const float> target, predicted;
  float d_loss;
  float* loss;
  matrix<float> d_predicted;
  __device__ void operator()(std::int64_t n) const {
    const float of_target = log_sum(target.row(n), target.cols), of_predicted = log_sum(predicted.row(n), target.cols);
    float sum = 0;
    for (std::int64_t c = lane(); c < target.cols; c += warp_size) {
      const float t = target.row(n)[c] - of_target, p = predicted.row(n)[c] - of_predicted;
      sum += expf(t) * (t - p);
      d_predicted.row(n)[c] = d_loss * (expf(p) - expf(t));
    }
    sum = warp_sum(sum);
    if (lane() == 0) loss[n] = sum;
  }
};

}  // namespace

status cuda_device::pair_features_forward(const pair_rows& in, view y) {
  return for_each_pack<1>(stream_, "pair_features_forward", in.query.rows, in.query.cols,
                          features{as<float>(in.query), as<float>(in.product), as<float>(y)});
}

status cuda_device::pair_features_backward(const pair_rows& in, const_view d_y, view d_query, view d_product) {
  const features_gradient each{as<float>(in.query), as<float>(in.product), as<float>(d_y), as<float>(d_query), as<float>(d_product)};
  return for_each_pack<1>(stream_, "pair_features_backward", in.query.rows, in.query.cols, each);
}

status cuda_device::cross_entropy(const cross_entropy_input& in, double d_loss, view loss, view d_logits) {
  ARGOSY_ASSIGN(const std::int32_t* label, staging_->copy(in.label));
  const cross_entropy_row each{as<float>(in.logits), label, static_cast<float>(d_loss), static_cast<float*>(loss.data),
                               as<float>(d_logits)};
  return for_each_row(stream_, "cross_entropy", in.logits.rows, each);
}

status cuda_device::divergence(const divergence_input& in, double d_loss, view loss, view d_predicted) {
  const divergence_row each{as<float>(in.target), as<float>(in.predicted), static_cast<float>(d_loss), static_cast<float*>(loss.data),
                            as<float>(d_predicted)};
  return for_each_row(stream_, "divergence", in.target.rows, each);
}

}  // namespace argosy::cuda

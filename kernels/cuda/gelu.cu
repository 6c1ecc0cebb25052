#include "kernels/cuda/column_sums.hpp"
#include "kernels/cuda/cuda_device.hpp"
#include "kernels/elementwise.hpp"

namespace argosy::cuda {
namespace {

__device__ float normal_cdf(float z) { return .5f * erfcf(-z * .70710678f); }
__device__ float normal_density(float z) { return .39894228f * expf(-.5f * z * z); }

template <int N, class T>
struct gelu_pack {
  matrix<const T> x;
  const float* bias;
  matrix<T> y;
  __device__ void operator()(std::int64_t row, std::int64_t col) const {
    float z[N], b[N];
    load<N>(x.row(row) + col, z);
    load<N>(bias + col, b);
#pragma unroll
    for (int i = 0; i < N; ++i) {
      z[i] += b[i];
      z[i] *= normal_cdf(z[i]);
    }
    store<N>(y.row(row) + col, z);
  }
};

template <int N, class T>
struct gelu_gradient {
  matrix<const T> x;
  const float* bias;
  matrix<const T> d_y;
  matrix<T> d_x;
  __device__ void operator()(std::int64_t row, std::int64_t col, float (&sum)[N]) const {
    float z[N], b[N], d[N];
    load<N>(x.row(row) + col, z);
    load<N>(bias + col, b);
    load<N>(d_y.row(row) + col, d);
#pragma unroll
    for (int i = 0; i < N; ++i) {
      z[i] += b[i];
      d[i] *= normal_cdf(z[i]) + z[i] * normal_density(z[i]);
      sum[i] += d[i];
    }
    store<N>(d_x.row(row) + col, d);
  }
};

}  // namespace

status cuda_device::bias_gelu_forward(const_view x, const_view bias, view y) {
  return by_type(x.type, [&](auto type) {
    using T = decltype(type);
    return by_width<T>(
        [&](auto width) {
          return for_each_pack<width>(stream_, "bias_gelu_forward", x.rows, x.cols,
                                      gelu_pack<width, T>{as<T>(x), bias.as<float>(), as<T>(y)});
        },
        x, y, bias);
  });
}

status cuda_device::bias_gelu_backward(const_view x, const_view bias, const_view d_y, view d_x, view d_bias) {
  if (x.empty()) return {};
  ARGOSY_ASSIGN(float* partial, scratch(parts_of(x.rows) * x.cols));
  ARGOSY_TRY(by_type(x.type, [&](auto type) {
    using T = decltype(type);
    return by_width<T>(
        [&](auto width) {
          const gelu_gradient<width, T> each{as<T>(x), bias.as<float>(), as<T>(d_y), as<T>(d_x)};
          return sum_columns_of<width>(stream_, "bias_gelu_backward", x.rows, x.cols, each, partial);
        },
        x, bias, d_y, d_x);
  }));
  return add_partial_sums(partial, parts_of(x.rows), x.cols, d_bias);
}

}  // namespace argosy::cuda

#include "kernels/adamw.hpp"

#include <cmath>

#include "kernels/cuda/cuda_device.hpp"
#include "kernels/cuda/launch.hpp"
#include "kernels/elementwise.hpp"

namespace argosy::cuda {
namespace {

constexpr int warps_a_block = 8, threads_a_block = warps_a_block * warp_size;
constexpr std::int64_t elements_a_block = 64 * threads_a_block, most_blocks = 1024;

struct number_itself {
  __device__ double operator()(float x) const { return x; }
};
struct square {
  __device__ double operator()(float x) const { return static_cast<double>(x) * x; }
};

// Each block its share of the rows' numbers; partial (blocks) in double.
template <class F>
__global__ void __launch_bounds__(threads_a_block) sum_of(matrix<const float> x, F f, double* partial) {
  double sum = 0;
  const std::int64_t all = x.rows * x.cols, step = static_cast<std::int64_t>(gridDim.x) * threads_a_block;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * threads_a_block + threadIdx.x; i < all; i += step)
    sum += f(x.rows == 1 ? x.data[i] : x.row(i / x.cols)[i % x.cols]);
  sum = block_sum<warps_a_block>(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

__global__ void __launch_bounds__(threads_a_block) add_sum(const double* partial, int parts, double factor, float* to) {
  double sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < parts; i += threads_a_block) sum += partial[i];
  sum = block_sum<warps_a_block>(sum);
  if (threadIdx.x == 0) *to += static_cast<float>(factor * sum);
}

struct adamw_numbers {
  float rate, beta1, beta2, rest1, rest2, eps, weight_decay, correct1, correct2, clip;
  const float* squares;
};

template <int N>
struct adamw_pack {
  adamw_numbers s;
  const float* gradient;
  float *parameter, *first, *second;
  bf16* rounded;  // the parameter's copy, or null
  __device__ void operator()(std::int64_t, std::int64_t i) const {
    float scale = 1;
    if (s.squares != nullptr) {
      const float norm = sqrtf(*s.squares);
      if (!(norm < INFINITY)) return;
      if (norm > s.clip) scale = s.clip / (norm + 1e-6f);
    }
    float g[N], p[N], m[N], v[N];
    load<N>(gradient + i, g);
    load<N>(parameter + i, p);
    load<N>(first + i, m);
    load<N>(second + i, v);
#pragma unroll
    for (int j = 0; j < N; ++j) {
      g[j] *= scale;
      m[j] = s.beta1 * m[j] + s.rest1 * g[j];
      v[j] = s.beta2 * v[j] + s.rest2 * g[j] * g[j];
      p[j] -= s.rate * (s.weight_decay * p[j] + m[j] * s.correct1 / (sqrtf(v[j] * s.correct2) + s.eps));
    }
    store<N>(parameter + i, p);
    store<N>(first + i, m);
    store<N>(second + i, v);
    if (rounded != nullptr) store<N>(rounded + i, p);
  }
};

}  // namespace

template <class F>
status cuda_device::add_sum_of(const_view x, F f, double factor, view to) {
  if (x.empty()) return {};
  const unsigned blocks = static_cast<unsigned>(std::min(most_blocks, (x.rows * x.cols + elements_a_block - 1) / elements_a_block));
  ARGOSY_ASSIGN(float* memory, scratch(2 * most_blocks));
  auto* partial = reinterpret_cast<double*>(memory);
  ARGOSY_TRY(launch(stream_, "a sum", {dim3(blocks), threads_a_block}, sum_of<F>, as<float>(x), f, partial));
  return launch(stream_, "a sum", {dim3(1), threads_a_block}, add_sum, partial, static_cast<int>(blocks), factor, to.as<float>());
}

status cuda_device::add_total(const_view x, double factor, view to) { return add_sum_of(x, number_itself{}, factor, to); }
status cuda_device::add_squares(const_view x, view to) { return add_sum_of(x, square{}, 1, to); }

status cuda_device::adamw(const adamw_settings& s, const_view gradient, view parameter, view first, view second) {
  const auto step = static_cast<double>(s.step);
  const adamw_numbers numbers{.rate = static_cast<float>(s.rate),
                              .beta1 = static_cast<float>(s.beta1),
                              .beta2 = static_cast<float>(s.beta2),
                              .rest1 = static_cast<float>(1 - s.beta1),
                              .rest2 = static_cast<float>(1 - s.beta2),
                              .eps = static_cast<float>(s.eps),
                              .weight_decay = static_cast<float>(s.weight_decay),
                              .correct1 = static_cast<float>(1 / (1 - std::pow(s.beta1, step))),
                              .correct2 = static_cast<float>(1 / (1 - std::pow(s.beta2, step))),
                              .clip = static_cast<float>(s.clip),
                              .squares = static_cast<const float*>(s.squares.data)};
  return by_width<float>(
      [&](auto width) {
        const adamw_pack<width> each{numbers,           gradient.as<float>(), parameter.as<float>(),
                                     first.as<float>(), second.as<float>(),   rounding_->copy_of(parameter)};
        return for_each_pack<width>(stream_, "adamw", 1, gradient.cols, each);
      },
      gradient, parameter, first, second);
}

}  // namespace argosy::cuda

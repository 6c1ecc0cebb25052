// One warp a row; a row stays in registers: pack p of lane l holds columns (p * 32 + l) * N and the N - 1 after it.
#include "kernels/layer_norm.hpp"

#include "kernels/cuda/column_sums.hpp"
#include "kernels/cuda/cuda_device.hpp"
#include "kernels/cuda/dropped.hpp"

namespace argosy::cuda {
namespace {

constexpr int warps_a_block = 8;

template <class T>
struct forward_arguments {
  matrix<const T> x, residual;
  const float *gain, *bias;
  float eps;
  dropped drop;
  matrix<T> y, normalised;
  float* rstd;
};

__device__ std::int64_t column(int p, int width) { return static_cast<std::int64_t>(p * warp_size + lane()) * width; }

template <int N, int Packs, class T>
__global__ void __launch_bounds__(warps_a_block* warp_size) layer_norm_rows(forward_arguments<T> in) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * warps_a_block + warp(), cols = in.x.cols;
  if (row >= in.x.rows) return;
  float z[Packs][N] = {};
  float sum = 0;
#pragma unroll
  for (int p = 0; p < Packs; ++p) {
    const auto col = column(p, N);
    if (col >= cols) continue;
    load<N>(in.x.row(row) + col, z[p]);
    if (in.drop.any()) in.drop.apply(row, col, cols, z[p]);
    if (in.residual.data != nullptr) {
      float more[N];
      load<N>(in.residual.row(row) + col, more);
#pragma unroll
      for (int i = 0; i < N; ++i) z[p][i] += more[i];
    }
#pragma unroll
    for (int i = 0; i < N; ++i) sum += z[p][i];
  }
  const float mean = warp_sum(sum) / static_cast<float>(cols);
  float squares = 0;
#pragma unroll
  for (int p = 0; p < Packs; ++p) {
    if (column(p, N) >= cols) continue;
#pragma unroll
    for (int i = 0; i < N; ++i) {
      z[p][i] -= mean;
      squares += z[p][i] * z[p][i];
    }
  }
  const float rstd = 1 / sqrtf(warp_sum(squares) / static_cast<float>(cols) + in.eps);
  if (in.rstd != nullptr && lane() == 0) in.rstd[row] = rstd;
#pragma unroll
  for (int p = 0; p < Packs; ++p) {
    const auto col = column(p, N);
    if (col >= cols) continue;
    float gain[N], bias[N];
    load<N>(in.gain + col, gain);
    load<N>(in.bias + col, bias);
#pragma unroll
    for (int i = 0; i < N; ++i) z[p][i] *= rstd;
    if (in.normalised.data != nullptr) store<N>(in.normalised.row(row) + col, z[p]);
#pragma unroll
    for (int i = 0; i < N; ++i) z[p][i] = gain[i] * z[p][i] + bias[i];
    store<N>(in.y.row(row) + col, z[p]);
  }
}

template <class T>
struct backward_arguments {
  matrix<const T> normalised, d_y;
  const float *rstd, *gain;
  dropped drop;
  matrix<T> d_x, d_residual;
  float* partial;  // (parts, 2 C): of d_gain, of d_bias
};

// dz = rstd * (g - mean(g) - normalised * mean(g * normalised)), g = gain * dy. A block takes rows_a_part rows, a warp every eighth of them.
template <int N, int Packs, class T>
__global__ void __launch_bounds__(warps_a_block* warp_size) layer_norm_gradients(backward_arguments<T> in) {
  const std::int64_t first = blockIdx.x * rows_a_part, cols = in.d_y.cols;
  const std::int64_t last = first + rows_a_part < in.d_y.rows ? first + rows_a_part : in.d_y.rows;
  float of_gain[Packs][N] = {}, of_bias[Packs][N] = {};
  for (std::int64_t row = first + warp(); row < last; row += warps_a_block) {
    float n[Packs][N] = {}, g[Packs][N] = {};
    float mean = 0, along = 0;
#pragma unroll
    for (int p = 0; p < Packs; ++p) {
      const auto col = column(p, N);
      if (col >= cols) continue;
      float gain[N];
      load<N>(in.normalised.row(row) + col, n[p]);
      load<N>(in.d_y.row(row) + col, g[p]);
      load<N>(in.gain + col, gain);
#pragma unroll
      for (int i = 0; i < N; ++i) {
        of_gain[p][i] += g[p][i] * n[p][i];
        of_bias[p][i] += g[p][i];
        g[p][i] *= gain[i];
        mean += g[p][i];
        along += g[p][i] * n[p][i];
      }
    }
    mean = warp_sum(mean) / static_cast<float>(cols);
    along = warp_sum(along) / static_cast<float>(cols);
    const float rstd = in.rstd[row];
#pragma unroll
    for (int p = 0; p < Packs; ++p) {
      const auto col = column(p, N);
      if (col >= cols) continue;
#pragma unroll
      for (int i = 0; i < N; ++i) g[p][i] = rstd * (g[p][i] - mean - n[p][i] * along);
      if (in.d_residual.data != nullptr) store<N>(in.d_residual.row(row) + col, g[p]);
      if (in.drop.any()) in.drop.apply(row, col, cols, g[p]);
      store<N>(in.d_x.row(row) + col, g[p]);
    }
  }

  // The warps' sums, in their order.
  float* const shared = dynamic_shared<float>();  // (2 C)
  for (int w = 0; w < warps_a_block; ++w) {
    if (warp() == w) {
#pragma unroll
      for (int p = 0; p < Packs; ++p) {
        const auto col = column(p, N);
        if (col >= cols) continue;
#pragma unroll
        for (int i = 0; i < N; ++i) {
          shared[col + i] = w == 0 ? of_gain[p][i] : shared[col + i] + of_gain[p][i];
          shared[cols + col + i] = w == 0 ? of_bias[p][i] : shared[cols + col + i] + of_bias[p][i];
        }
      }
    }
    __syncthreads();
  }
  for (std::int64_t c = threadIdx.x; c < 2 * cols; c += blockDim.x) in.partial[blockIdx.x * 2 * cols + c] = shared[c];
}

// body(N, Packs) for rows of `cols` numbers, of which N lie side by side in 16 bytes, or one by one.
template <int Wide, class Body>
status by_packs(std::string_view name, int width, std::int64_t cols, Body body) {
  const auto packs = (cols + warp_size * width - 1) / (warp_size * width);
  const auto with = [&](auto n, auto most) { return body(n, most); };
  using one = std::integral_constant<int, 1>;
  if (width == Wide) {
    using wide = std::integral_constant<int, Wide>;
    if (packs <= 1) return with(wide{}, std::integral_constant<int, 1>{});
    if (packs <= 2) return with(wide{}, std::integral_constant<int, 2>{});
    if (packs <= 3) return with(wide{}, std::integral_constant<int, 3>{});
    if (packs <= 4) return with(wide{}, std::integral_constant<int, 4>{});
    if (packs <= 6) return with(wide{}, std::integral_constant<int, 6>{});
    if (packs <= 8) return with(wide{}, std::integral_constant<int, 8>{});
  } else {
    if (packs <= 8) return with(one{}, std::integral_constant<int, 8>{});
    if (packs <= 32) return with(one{}, std::integral_constant<int, 32>{});
  }
  return {errc::invalid_argument, std::string(name) + ": rows of " + std::to_string(cols) + " numbers are too wide for CUDA: at most " +
                                      std::to_string(warp_size * (width == Wide ? 8 * Wide : 32))};
}

}  // namespace

status cuda_device::layer_norm_forward(const layer_norm_input& in, view y, const layer_norm_saved& saved) {
  if (y.empty()) return {};
  ARGOSY_ASSIGN(const dropped drop, dropped_by(in.drop));
  return by_type(y.type, [&](auto type) {
    using T = decltype(type);
    const forward_arguments<T> all{as<T>(in.x),
                                   as<T>(in.residual),
                                   in.gain.as<float>(),
                                   in.bias.as<float>(),
                                   static_cast<float>(in.eps),
                                   drop,
                                   as<T>(y),
                                   as<T>(saved.normalised),
                                   static_cast<float*>(saved.rstd.data)};
    const int width = pack_width<T>(in.x, in.residual, in.gain, in.bias, y, saved.normalised);
    return by_packs<16 / sizeof(T)>("layer_norm_forward", width, y.cols, [&](auto n, auto packs) {
      return launch(stream_, "layer_norm_forward", {dim3(blocks_for(y.rows, warps_a_block)), warps_a_block * warp_size},
                    layer_norm_rows<n, packs, T>, all);
    });
  });
}

status cuda_device::layer_norm_backward(const layer_norm_input& in, const layer_norm_saved& saved, const_view d_y,
                                        const layer_norm_gradient& g) {
  if (d_y.empty()) return {};
  const std::int64_t parts = parts_of(d_y.rows), cols = d_y.cols;
  ARGOSY_ASSIGN(float* partial, scratch(parts * 2 * cols));
  ARGOSY_ASSIGN(const dropped drop, dropped_by(in.drop));
  ARGOSY_TRY(by_type(d_y.type, [&](auto type) {
    using T = decltype(type);
    const backward_arguments<T> all{as<T>(const_view(saved.normalised)),
                                    as<T>(d_y),
                                    saved.rstd.as<float>(),
                                    in.gain.as<float>(),
                                    drop,
                                    as<T>(g.d_x),
                                    as<T>(g.d_residual),
                                    partial};
    const int width = pack_width<T>(saved.normalised, d_y, in.gain, g.d_x, g.d_residual);
    return by_packs<16 / sizeof(T)>("layer_norm_backward", width, cols, [&](auto n, auto packs) {
      return launch(stream_, "layer_norm_backward",
                    {dim3(static_cast<unsigned>(parts)), warps_a_block * warp_size, static_cast<std::size_t>(2 * cols) * sizeof(float)},
                    layer_norm_gradients<n, packs, T>, all);
    });
  }));
  ARGOSY_TRY(add_partial_sums(partial, parts, 2 * cols, g.d_gain));
  return add_partial_sums(partial + cols, parts, 2 * cols, g.d_bias);
}

}  // namespace argosy::cuda

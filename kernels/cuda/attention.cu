// Attention over packed sequences, in float32 on the ordinary units. A block takes one head of one sequence and up to 32 of its rows, four
// a warp; what the rows meet passes by in tiles of 32, one a lane: keys in forward and for d_q, query rows for d_k and d_v.
// Scores live in registers for one tile; P is never stored.
#include "kernels/attention.hpp"

#include <algorithm>

#include "kernels/cuda/attention_tiles.hpp"
#include "kernels/cuda/cuda_device.hpp"

namespace argosy::cuda {
namespace {

constexpr int rows_a_warp = 4, most_warps = 8, tile = 32;
constexpr std::int64_t widest_head = 128;

// Rows first .. first + count of one head, row r to to[r * stride], rows beyond `count` as zeros.
template <class T>
__device__ void load_tile(matrix<const T> from, std::int64_t first, std::int64_t count, std::int64_t column, int width, int rows,
                          int stride, float* to) {
  for (int i = static_cast<int>(threadIdx.x); i < rows * width; i += static_cast<int>(blockDim.x)) {
    const int r = i / width, d = i % width;
    to[r * stride + d] = r < count ? to_float(from.row(first + r)[column + d]) : 0.f;
  }
}

// The next tile of two matrices of what passes by, once all threads are done with the one before; rows lie width + 1 apart.
template <class T>
__device__ void load_others(matrix<const T> a, matrix<const T> b, const place& at, std::int64_t first, int width, float* to_a,
                            float* to_b) {
  __syncthreads();
  load_tile(a, at.first_other + first, at.others - first, at.column, width, tile, width + 1, to_a);
  load_tile(b, at.first_other + first, at.others - first, at.column, width, tile, width + 1, to_b);
}

__device__ float dot(const float* a, const float* b, int width) {
  float sum = 0;
#pragma unroll 4
  for (int d = 0; d < width; ++d) sum += a[d] * b[d];
  return sum;
}

// sum[i] += the tile's rows weighted by each lane's number; column lane() + 32 * i.
template <int Columns>
__device__ void add_weighted(float weight, const float* rows, int stride, int width, float (&sum)[Columns]) {
#pragma unroll 4
  for (int j = 0; j < tile; ++j) {
    const float of_row = __shfl_sync(0xffffffffu, weight, j);
#pragma unroll
    for (int i = 0; i < Columns; ++i) {
      const int d = lane() + warp_size * i;
      if (d < width) sum[i] += of_row * rows[j * stride + d];
    }
  }
}

__device__ int row_of_warp(int r) { return warp() * rows_a_warp + r; }
__device__ std::int64_t first_row_of_block() { return static_cast<std::int64_t>(blockIdx.z) * (blockDim.x / warp_size) * rows_a_warp; }

template <int Columns, class T>
__global__ void __launch_bounds__(most_warps* warp_size) attend(heads<T> in, matrix<T> o, matrix<float> lse) {
  const place at = place_of(in.q_offset, in.kv_offset, in.width);
  const std::int64_t begin = first_row_of_block();
  if (begin >= at.count) return;
  const int rows = static_cast<int>(blockDim.x) / warp_size * rows_a_warp, stride = in.width + 1;
  float* const q = dynamic_shared<float>();
  float* const k = q + rows * in.width;
  float* const v = k + tile * stride;
  load_tile(in.q, at.first + begin, at.count - begin, at.column, in.width, rows, in.width, q);

  float top[rows_a_warp], sum[rows_a_warp], mixed[rows_a_warp][Columns] = {};
#pragma unroll
  for (int r = 0; r < rows_a_warp; ++r) {
    top[r] = -INFINITY;
    sum[r] = 0;
  }
  for (std::int64_t first = 0; first < at.others; first += tile) {
    load_others(in.k, in.v, at, first, in.width, k, v);
    __syncthreads();
#pragma unroll
    for (int r = 0; r < rows_a_warp; ++r) {
      if (begin + row_of_warp(r) >= at.count) continue;
      const bool there = first + lane() < at.others;
      const float score = there ? in.scale * dot(q + row_of_warp(r) * in.width, k + lane() * stride, in.width) : -INFINITY;
      const float now = fmaxf(top[r], warp_largest(score)), shrink = expf(top[r] - now), p = expf(score - now);
      top[r] = now;
      sum[r] = sum[r] * shrink + warp_sum(p);
#pragma unroll
      for (int i = 0; i < Columns; ++i) mixed[r][i] *= shrink;
      add_weighted<Columns>(p, v, stride, in.width, mixed[r]);
    }
  }
#pragma unroll
  for (int r = 0; r < rows_a_warp; ++r) {
    const std::int64_t row = at.first + begin + row_of_warp(r);
    if (begin + row_of_warp(r) >= at.count) continue;
#pragma unroll
    for (int i = 0; i < Columns; ++i) {
      const int d = lane() + warp_size * i;
      if (d < in.width) put(o.row(row)[at.column + d], at.others > 0 ? mixed[r][i] / sum[r] : 0.f);
    }
    if (lane() == 0 && lse.data != nullptr) lse.row(row)[blockIdx.y] = at.others > 0 ? top[r] + logf(sum[r]) : -INFINITY;
  }
}

// rowsum(d_o * o) of one head, by a whole warp.
template <class T>
__device__ float along(const gradients<T>& of, std::int64_t row, std::int64_t column, int width) {
  float sum = 0;
  for (int d = lane(); d < width; d += warp_size) sum += to_float(of.d_o.row(row)[column + d]) * to_float(of.o.row(row)[column + d]);
  return warp_sum(sum);
}

// dS = P * (dO V^T - rowsum(dO * O))    dQ = scale dS K
template <int Columns, class T>
__global__ void __launch_bounds__(most_warps* warp_size) attend_d_q(heads<T> in, gradients<T> of) {
  const place at = place_of(in.q_offset, in.kv_offset, in.width);
  const std::int64_t begin = first_row_of_block();
  if (begin >= at.count) return;
  const int rows = static_cast<int>(blockDim.x) / warp_size * rows_a_warp, stride = in.width + 1;
  float* const q = dynamic_shared<float>();
  float* const d_o = q + rows * in.width;
  float* const k = d_o + rows * in.width;
  float* const v = k + tile * stride;
  load_tile(in.q, at.first + begin, at.count - begin, at.column, in.width, rows, in.width, q);
  load_tile(of.d_o, at.first + begin, at.count - begin, at.column, in.width, rows, in.width, d_o);

  float lse[rows_a_warp], delta[rows_a_warp], d_q[rows_a_warp][Columns] = {};
#pragma unroll
  for (int r = 0; r < rows_a_warp; ++r) {
    const std::int64_t row = at.first + begin + row_of_warp(r);
    const bool there = begin + row_of_warp(r) < at.count;
    lse[r] = there ? of.lse.row(row)[blockIdx.y] : 0;
    delta[r] = there ? along(of, row, at.column, in.width) : 0;
  }
  for (std::int64_t first = 0; first < at.others; first += tile) {
    load_others(in.k, in.v, at, first, in.width, k, v);
    __syncthreads();
#pragma unroll
    for (int r = 0; r < rows_a_warp; ++r) {
      if (begin + row_of_warp(r) >= at.count) continue;
      const bool there = first + lane() < at.others;
      const float score = in.scale * dot(q + row_of_warp(r) * in.width, k + lane() * stride, in.width);
      const float p = there ? expf(score - lse[r]) : 0;
      const float d_p = dot(d_o + row_of_warp(r) * in.width, v + lane() * stride, in.width);
      add_weighted<Columns>(in.scale * p * (d_p - delta[r]), k, stride, in.width, d_q[r]);
    }
  }
#pragma unroll
  for (int r = 0; r < rows_a_warp; ++r) {
    if (begin + row_of_warp(r) >= at.count) continue;
#pragma unroll
    for (int i = 0; i < Columns; ++i) {
      const int d = lane() + warp_size * i;
      if (d < in.width) put(of.d_q.row(at.first + begin + row_of_warp(r))[at.column + d], d_q[r][i]);
    }
  }
}

// dV = P^T dO    dK = scale dS^T Q: rows of the block are keys, and query rows pass by.
template <int Columns, class T>
__global__ void __launch_bounds__(most_warps* warp_size) attend_d_kv(heads<T> in, gradients<T> of) {
  const place at = place_of(in.kv_offset, in.q_offset, in.width);
  const std::int64_t begin = first_row_of_block();
  if (begin >= at.count) return;
  const int warps = static_cast<int>(blockDim.x) / warp_size, rows = warps * rows_a_warp, stride = in.width + 1;
  float* const k = dynamic_shared<float>();
  float* const v = k + rows * in.width;
  float* const q = v + rows * in.width;
  float* const d_o = q + tile * stride;
  float* const lse = d_o + tile * stride;
  float* const delta = lse + tile;
  load_tile(in.k, at.first + begin, at.count - begin, at.column, in.width, rows, in.width, k);
  load_tile(in.v, at.first + begin, at.count - begin, at.column, in.width, rows, in.width, v);

  float d_k[rows_a_warp][Columns] = {}, d_v[rows_a_warp][Columns] = {};
  for (std::int64_t first = 0; first < at.others; first += tile) {
    load_others(in.q, of.d_o, at, first, in.width, q, d_o);
    for (int j = warp(); j < tile; j += warps) {
      const std::int64_t row = at.first_other + first + j;
      const bool there = first + j < at.others;
      const float sum = there ? along(of, row, at.column, in.width) : 0;
      if (lane() == 0) {
        delta[j] = sum;
        lse[j] = there ? of.lse.row(row)[blockIdx.y] : 0;
      }
    }
    __syncthreads();
#pragma unroll
    for (int r = 0; r < rows_a_warp; ++r) {
      if (begin + row_of_warp(r) >= at.count) continue;
      const bool there = first + lane() < at.others;
      const float score = in.scale * dot(k + row_of_warp(r) * in.width, q + lane() * stride, in.width);
      const float p = there ? expf(score - lse[lane()]) : 0;
      const float d_p = dot(v + row_of_warp(r) * in.width, d_o + lane() * stride, in.width);
      add_weighted<Columns>(p, d_o, stride, in.width, d_v[r]);
      add_weighted<Columns>(in.scale * p * (d_p - delta[lane()]), q, stride, in.width, d_k[r]);
    }
  }
#pragma unroll
  for (int r = 0; r < rows_a_warp; ++r) {
    if (begin + row_of_warp(r) >= at.count) continue;
#pragma unroll
    for (int i = 0; i < Columns; ++i) {
      const int d = lane() + warp_size * i;
      if (d >= in.width) continue;
      put(of.d_k.row(at.first + begin + row_of_warp(r))[at.column + d], d_k[r][i]);
      put(of.d_v.row(at.first + begin + row_of_warp(r))[at.column + d], d_v[r][i]);
    }
  }
}

// Blocks for every 4 * warps rows of the longest sequence; blocks without rows end at once.
shape shape_for(const attention_input& in, std::span<const std::int32_t> offset, std::int64_t rows_of_block, std::int64_t tiles_of_others) {
  const std::int64_t most = longest(offset), width = in.q.cols / in.heads;
  const auto warps = std::clamp<std::int64_t>((most + rows_a_warp - 1) / rows_a_warp, 1, most_warps);
  const std::int64_t floats = rows_of_block * warps * rows_a_warp * width + tiles_of_others * tile * (width + 1) + 2 * tile;
  return {dim3(static_cast<unsigned>(offset.size() - 1), static_cast<unsigned>(in.heads), blocks_for(most, warps * rows_a_warp)),
          static_cast<unsigned>(warps * warp_size), static_cast<std::size_t>(floats) * sizeof(float)};
}

// body(columns of a head that one lane holds)
template <class Body>
status by_head(std::int64_t width, Body body) {
  if (width <= 32) return body(std::integral_constant<int, 1>{});
  if (width <= 64) return body(std::integral_constant<int, 2>{});
  if (width <= widest_head) return body(std::integral_constant<int, 4>{});
  return {errc::invalid_argument,
          "attention: heads of " + std::to_string(width) + " numbers are too wide for CUDA: at most " + std::to_string(widest_head)};
}

}  // namespace

status cuda_device::attention_forward(const attention_input& in, view o, view lse) {
  if (o.empty()) return {};
  if (fused_ != nullptr) {
    const fused_array<const_view> all{{in.q, in.k, in.v, o, lse}};
    if (const auto shape = fused_shape_of(in, all)) return attend_fused(in, *shape, all);
  }
  ARGOSY_ASSIGN(const std::int32_t* q_offset, staging_->copy(in.q_offset));
  ARGOSY_ASSIGN(const std::int32_t* kv_offset, staging_->copy(in.kv_offset));
  const std::int64_t width = in.q.cols / in.heads;
  return by_type(o.type, [&](auto type) {
    using T = decltype(type);
    const heads<T> all{as<T>(in.q), as<T>(in.k), as<T>(in.v), q_offset, kv_offset, static_cast<int>(width), static_cast<float>(in.scale)};
    if constexpr (std::is_same_v<T, bf16>)
      if (fits_tiles(in, o)) return attend_in_tiles(stream_, in, all, as<T>(o), as<float>(lse));
    return by_head(width, [&](auto columns) {
      return launch(stream_, "attention_forward", shape_for(in, in.q_offset, 1, 2), attend<columns, T>, all, as<T>(o), as<float>(lse));
    });
  });
}

status cuda_device::attention_backward(const attention_input& in, const_view o, const_view lse, const_view d_o,
                                       const attention_gradient& g) {
  if (fused_ != nullptr) {
    const fused_array<const_view> all{{in.q, in.k, in.v, o, lse, d_o, g.d_q, g.d_k, g.d_v}};
    if (const auto shape = fused_shape_of(in, all)) return attend_fused(in, *shape, all);
  }
  ARGOSY_ASSIGN(const std::int32_t* q_offset, staging_->copy(in.q_offset));
  ARGOSY_ASSIGN(const std::int32_t* kv_offset, staging_->copy(in.kv_offset));
  const std::int64_t width = in.q.cols / in.heads;
  return by_type(o.type, [&](auto type) {
    using T = decltype(type);
    const heads<T> all{as<T>(in.q), as<T>(in.k), as<T>(in.v), q_offset, kv_offset, static_cast<int>(width), static_cast<float>(in.scale)};
    const gradients<T> of{as<T>(o), as<T>(d_o), as<float>(lse), as<T>(g.d_q), as<T>(g.d_k), as<T>(g.d_v)};
    if constexpr (std::is_same_v<T, bf16>)
      if (fits_tiles(in, o) && fits_tiles({in.heads, in.scale, g.d_q, g.d_k, g.d_v, in.q_offset, in.kv_offset}, d_o))
        return attend_in_tiles_backward(stream_, in, all, of);
    return by_head(width, [&](auto columns) {
      ARGOSY_TRY(launch(stream_, "attention_backward", shape_for(in, in.q_offset, 2, 2), attend_d_q<columns, T>, all, of));
      return launch(stream_, "attention_backward", shape_for(in, in.kv_offset, 2, 2), attend_d_kv<columns, T>, all, of);
    });
  });
}

}  // namespace argosy::cuda

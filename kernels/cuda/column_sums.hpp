// Sums over rows, by column: each block of threads takes `rows_a_part` rows and a strip of columns and writes its sums as one row of
// `partial`; add_partial_sums adds those rows up in their order.
#pragma once

#include "kernels/cuda/launch.hpp"

namespace argosy::cuda {

inline constexpr int sum_lanes = 32, sum_rows = 8;  // threads of a block: packs of columns, rows at a time
inline constexpr std::int64_t rows_a_part = 128;

constexpr std::int64_t parts_of(std::int64_t rows) noexcept { return (rows + rows_a_part - 1) / rows_a_part; }

// f(row, first column, sum): does what there is to do with N columns of a row and adds N numbers to `sum`.
template <int N, class F>
__global__ void sum_columns(std::int64_t rows, std::int64_t cols, F f, float* partial) {
  __shared__ float shared[sum_rows][sum_lanes * N];
  const int across = lane(), down = warp();
  const std::int64_t col = (static_cast<std::int64_t>(blockIdx.x) * sum_lanes + across) * N;
  const std::int64_t first = blockIdx.y * rows_a_part, last = first + rows_a_part < rows ? first + rows_a_part : rows;
  float sum[N] = {};
  if (col < cols)
    for (std::int64_t row = first + down; row < last; row += sum_rows) f(row, col, sum);
#pragma unroll
  for (int i = 0; i < N; ++i) shared[down][across * N + i] = sum[i];
  __syncthreads();
  if (down != 0 || col >= cols) return;
#pragma unroll
  for (int i = 0; i < N; ++i) {
    float all = shared[0][across * N + i];
    for (int r = 1; r < sum_rows; ++r) all += shared[r][across * N + i];
    partial[blockIdx.y * cols + col + i] = all;
  }
}

// partial (parts_of(rows), cols). REQUIRES rows > 0.
template <int N, class F>
status sum_columns_of(cudaStream_t on, std::string_view name, std::int64_t rows, std::int64_t cols, F f, float* partial) {
  const dim3 blocks(blocks_for(cols, sum_lanes * N), static_cast<unsigned>(parts_of(rows)));
  return launch(on, name, {blocks, sum_lanes * sum_rows}, sum_columns<N, F>, rows, cols, f, partial);
}

}  // namespace argosy::cuda

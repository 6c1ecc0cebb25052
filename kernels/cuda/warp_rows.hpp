// One warp a row: f(row), called by all 32 threads of a warp.
#pragma once

#include "kernels/cuda/launch.hpp"

namespace argosy::cuda {

inline constexpr int warps_of_rows = 8;

template <class F>
__global__ void __launch_bounds__(warps_of_rows* warp_size) each_row(std::int64_t rows, F f) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * warps_of_rows + warp();
  if (row < rows) f(row);
}

template <class F>
status for_each_row(cudaStream_t on, std::string_view name, std::int64_t rows, F f) {
  return launch(on, name, {dim3(blocks_for(rows, warps_of_rows)), warps_of_rows * warp_size}, each_row<F>, rows, f);
}

}  // namespace argosy::cuda

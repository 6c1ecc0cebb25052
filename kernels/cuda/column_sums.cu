#include "kernels/cuda/column_sums.hpp"

#include "kernels/cuda/cuda_device.hpp"

namespace argosy::cuda {
namespace {

// A block adds 32 columns: warp w every eighth row from w on, then the warps' sums in their order.
__global__ void add_parts(const float* partial, std::int64_t parts, std::int64_t stride, std::int64_t cols, float* to) {
  __shared__ float shared[sum_rows][sum_lanes];
  const std::int64_t col = static_cast<std::int64_t>(blockIdx.x) * sum_lanes + lane();
  float sum = 0;
  if (col < cols)
    for (std::int64_t p = warp(); p < parts; p += sum_rows) sum += partial[p * stride + col];
  shared[warp()][lane()] = sum;
  __syncthreads();
  if (warp() != 0 || col >= cols) return;
  float all = shared[0][lane()];
  for (int r = 1; r < sum_rows; ++r) all += shared[r][lane()];
  to[col] += all;
}

template <int N, class T>
struct sum_of_rows {
  matrix<const T> x;
  __device__ void operator()(std::int64_t row, std::int64_t col, float (&sum)[N]) const {
    float a[N];
    load<N>(x.row(row) + col, a);
#pragma unroll
    for (int i = 0; i < N; ++i) sum[i] += a[i];
  }
};

}  // namespace

status cuda_device::add_partial_sums(const float* partial, std::int64_t parts, std::int64_t stride, view to) {
  return launch(stream_, "sums of columns", {dim3(blocks_for(to.cols, sum_lanes)), sum_lanes * sum_rows}, add_parts, partial, parts, stride,
                to.cols, to.as<float>());
}

status cuda_device::add_column_sums(const_view x, view to) {
  if (x.empty()) return {};
  ARGOSY_ASSIGN(float* partial, scratch(parts_of(x.rows) * x.cols));
  ARGOSY_TRY(by_type(x.type, [&](auto type) {
    using T = decltype(type);
    return by_width<T>(
        [&](auto width) {
          return sum_columns_of<width>(stream_, "sums of columns", x.rows, x.cols, sum_of_rows<width, T>{as<T>(x)}, partial);
        },
        x);
  }));
  return add_partial_sums(partial, parts_of(x.rows), x.cols, to);
}

}  // namespace argosy::cuda

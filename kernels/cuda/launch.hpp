// Starting kernels and choosing their types.
// Errors    those of called.hpp.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "kernels/cuda/called.hpp"
#include "kernels/cuda/device_code.hpp"
#include "kernels/tensor.hpp"

namespace argosy::cuda {

struct shape {
  dim3 blocks;
  unsigned threads = 256;
  std::size_t shared_bytes = 0;
};

// A grid without blocks is no call.
template <class... P, class... A>
status launch(cudaStream_t on, std::string_view name, const shape& s, void (*kernel)(P...), A... arguments) {
  constexpr std::size_t without_asking = 48 * 1024;
  if (s.blocks.x == 0 || s.blocks.y == 0 || s.blocks.z == 0) return {};
  if (s.shared_bytes > without_asking)
    ARGOSY_TRY(called(name, cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                 static_cast<int>(s.shared_bytes))));
  cudaLaunchConfig_t how{};
  how.gridDim = s.blocks;
  how.blockDim = dim3(s.threads);
  how.dynamicSmemBytes = s.shared_bytes;
  how.stream = on;
  return called(name, cudaLaunchKernelEx(&how, kernel, P(arguments)...));
}

constexpr unsigned blocks_for(std::int64_t items, std::int64_t a_block) noexcept {
  return static_cast<unsigned>((items + a_block - 1) / a_block);
}

// body(T{}) with the type of the view's numbers.
template <class Body>
status by_type(dtype type, Body body) {
  switch (type) {
    case dtype::f32: return body(float{});
    case dtype::bf16: return body(bf16{});
    case dtype::f64: break;
  }
  return {errc::invalid_argument, "CUDA: no operator of this device takes float64"};
}

// How many neighbours fit 16 bytes in every one of these matrices: 16 / size when all rows begin at a multiple of that, or 1.
template <class T, class... V>
int pack_width(const V&... v) {
  constexpr int wide = 16 / static_cast<int>(sizeof(T));
  const auto fits = [](const auto& m) {
    return m.data == nullptr || (reinterpret_cast<std::uintptr_t>(m.data) % (wide * size_of(m.type)) == 0 && m.cols % wide == 0 &&
                                 (m.stride % wide == 0 || m.rows <= 1));
  };
  return (fits(v) && ...) ? wide : 1;
}

// body(std::integral_constant<int, N>) with the pack width.
template <class T, class Body, class... V>
status by_width(Body body, const V&... v) {
  constexpr int wide = 16 / static_cast<int>(sizeof(T));
  if (pack_width<T>(v...) == wide) return body(std::integral_constant<int, wide>{});
  return body(std::integral_constant<int, 1>{});
}

// f(row, first column) for every pack of N columns of a matrix, one thread each.
template <int N, class F>
__global__ void each_pack(std::uint32_t packs, std::uint32_t packs_a_row, F f) {
  const std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < packs) f(static_cast<std::int64_t>(i / packs_a_row), static_cast<std::int64_t>(i % packs_a_row) * N);
}

template <int N, class F>
status for_each_pack(cudaStream_t on, std::string_view name, std::int64_t rows, std::int64_t cols, F f) {
  const std::int64_t a_row = cols / N, all = rows * a_row;
  if (all >= std::int64_t{1} << 31)
    return {errc::out_of_range, std::string(name) + ": at most 2^31 packs of numbers, got " + std::to_string(all)};
  return launch(on, name, {dim3(blocks_for(all, 256)), 256}, each_pack<N, F>, static_cast<std::uint32_t>(all),
                static_cast<std::uint32_t>(std::max<std::int64_t>(a_row, 1)), f);
}

}  // namespace argosy::cuda

// What the kernels of this folder are written with: matrices, numbers of two types, packs of 16 bytes, sums over a warp or a block.
// Letters   a warp is 32 threads; `lane` is a thread's place in it.
// Sums      in a fixed order, so that a result is the same from run to run. No kernel adds floats atomically.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/bf16.hpp"
#include "kernels/cuda/intrinsics.hpp"
#include "kernels/tensor.hpp"

namespace argosy::cuda {

__device__ inline float to_float(float x) { return x; }
__device__ inline float to_float(bf16 x) { return __uint_as_float(static_cast<unsigned>(x.bits) << 16); }
__device__ inline void put(float& to, float x) { to = x; }
__device__ inline void put(bf16& to, float x) { to.bits = bf16_bits(x); }

// A matrix in the device's memory, as kernels take it.
template <class T>
struct matrix {
  T* data;
  std::int64_t rows, cols, stride;
  __device__ T* row(std::int64_t r) const { return data + r * stride; }
};
template <class T>
matrix<T> as(view v) noexcept {
  return {static_cast<T*>(v.data), v.rows, v.cols, v.stride};
}
template <class T>
matrix<const T> as(const_view v) noexcept {
  return {static_cast<const T*>(v.data), v.rows, v.cols, v.stride};
}

// N neighbours that are read and written at once.
template <class T, int N>
struct alignas(sizeof(T) * N) pack {
  T at[N];
};
template <int N, class T>
__device__ void load(const T* from, float (&x)[N]) {
  const auto all = *reinterpret_cast<const pack<T, N>*>(from);
#pragma unroll
  for (int i = 0; i < N; ++i) x[i] = to_float(all.at[i]);
}
template <int N, class T>
__device__ void store(T* to, const float (&x)[N]) {
  pack<T, N> all;
#pragma unroll
  for (int i = 0; i < N; ++i) put(all.at[i], x[i]);
  *reinterpret_cast<pack<T, N>*>(to) = all;
}

inline constexpr int warp_size = 32;

__device__ inline float warp_sum(float x) {
#pragma unroll
  for (int apart = 16; apart > 0; apart /= 2) x += __shfl_xor_sync(0xffffffffu, x, apart);
  return x;
}
__device__ inline double warp_sum(double x) {
#pragma unroll
  for (int apart = 16; apart > 0; apart /= 2) x += __shfl_xor_sync(0xffffffffu, x, apart);
  return x;
}
__device__ inline float warp_largest(float x) {
#pragma unroll
  for (int apart = 16; apart > 0; apart /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, apart));
  return x;
}

__device__ inline int lane() { return static_cast<int>(threadIdx.x) % warp_size; }
__device__ inline int warp() { return static_cast<int>(threadIdx.x) / warp_size; }

// Over all threads of a block of Warps warps; every thread gets the result and has to call it.
template <int Warps, class T, class Join>
__device__ T over_block(T mine, Join join) {
  __shared__ T of_warp[Warps];
  if (lane() == 0) of_warp[warp()] = mine;
  __syncthreads();
  T all = of_warp[0];
#pragma unroll
  for (int w = 1; w < Warps; ++w) all = join(all, of_warp[w]);
  __syncthreads();
  return all;
}
struct plus {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct larger {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};
template <int Warps, class T>
__device__ T block_sum(T x) {
  return over_block<Warps>(warp_sum(x), plus{});
}
template <int Warps>
__device__ float block_largest(float x) {
  return over_block<Warps>(warp_largest(x), larger{});
}

}  // namespace argosy::cuda

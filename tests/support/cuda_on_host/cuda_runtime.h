// The part of CUDA that kernels/cuda uses, on the host: its sources compile as plain C++ with this folder first among the include paths, and
// their kernels run thread by thread (emulator.cpp), so that tests on a machine without a GPU show what they compute.
// Held to   a barrier or a shuffle that not all of its threads reach ends the program and says so; memory starts as NaN; sizes of blocks and
//           of shared memory have the limits of compute capability 9.0.
// Not held  timing, and races between threads: one runs at a time, until its next barrier.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __shared__ static
#define __launch_bounds__(...)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

inline dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace argosy::test::emulator {

void run(dim3 grid, dim3 block, std::size_t shared_bytes, const std::function<void()>& thread);
void wait_for_block();
// Every thread of the warp brings `bytes` bytes and gets those of all 32, one after the other, valid until its next exchange.
const std::byte* exchange(const void* mine, std::size_t bytes);
unsigned lane() noexcept;
std::byte* dynamic_shared() noexcept;

template <class T>
T shuffled(T mine, unsigned source) {
  T theirs;
  std::memcpy(&theirs, exchange(&mine, sizeof(T)) + source % 32 * sizeof(T), sizeof(T));
  return theirs;
}

}  // namespace argosy::test::emulator

inline void __syncthreads() { argosy::test::emulator::wait_for_block(); }
template <class T>
T __shfl_xor_sync(unsigned, T mine, int mask) {
  return argosy::test::emulator::shuffled(mine, argosy::test::emulator::lane() ^ static_cast<unsigned>(mask));
}
template <class T>
T __shfl_sync(unsigned, T mine, int source) {
  return argosy::test::emulator::shuffled(mine, static_cast<unsigned>(source));
}

inline float __uint_as_float(unsigned bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2 };
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2 };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
inline constexpr unsigned cudaEventBlockingSync = 1, cudaEventDisableTiming = 2, cudaStreamNonBlocking = 1;
using cudaStream_t = struct stream_on_host*;
using cudaEvent_t = struct event_on_host*;

struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  std::size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
};

const char* cudaGetErrorString(cudaError_t) noexcept;
cudaError_t cudaSetDevice(int) noexcept;
cudaError_t cudaGetDevice(int*) noexcept;
cudaError_t cudaMalloc(void** memory, std::size_t bytes) noexcept;
cudaError_t cudaMallocHost(void** memory, std::size_t bytes) noexcept;
cudaError_t cudaFree(void*) noexcept;
cudaError_t cudaFreeHost(void*) noexcept;
cudaError_t cudaMemsetAsync(void*, int value, std::size_t bytes, cudaStream_t) noexcept;
cudaError_t cudaMemset2DAsync(void*, std::size_t pitch, int value, std::size_t width, std::size_t height, cudaStream_t) noexcept;
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t) noexcept;
cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
                              std::size_t height, cudaMemcpyKind, cudaStream_t) noexcept;
cudaError_t cudaStreamCreateWithFlags(cudaStream_t*, unsigned) noexcept;
cudaError_t cudaStreamDestroy(cudaStream_t) noexcept;
cudaError_t cudaStreamSynchronize(cudaStream_t) noexcept;
cudaError_t cudaEventCreateWithFlags(cudaEvent_t*, unsigned) noexcept;
cudaError_t cudaEventDestroy(cudaEvent_t) noexcept;
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) noexcept;
cudaError_t cudaEventSynchronize(cudaEvent_t) noexcept;
cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute, int value) noexcept;
cudaError_t check_launch(const cudaLaunchConfig_t&, const void* kernel) noexcept;

template <class... P, class... A>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* how, void (*kernel)(P...), A&&... arguments) {
  if (const cudaError_t refused = check_launch(*how, reinterpret_cast<const void*>(kernel)); refused != cudaSuccess) return refused;
  argosy::test::emulator::run(how->gridDim, how->blockDim, how->dynamicSmemBytes, [&] { kernel(P(arguments)...); });
  return cudaSuccess;
}

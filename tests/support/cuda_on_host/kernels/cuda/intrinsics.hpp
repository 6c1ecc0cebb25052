// What kernels/cuda/intrinsics.hpp says in the instructions of the GPU, on the host.
#pragma once

#include <cuda_runtime.h>

#include <bit>
#include <cstdint>

namespace argosy::cuda {

inline std::uint16_t bf16_bits(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
  return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

template <class T>
T* dynamic_shared() {
  return reinterpret_cast<T*>(test::emulator::dynamic_shared());
}

}  // namespace argosy::cuda

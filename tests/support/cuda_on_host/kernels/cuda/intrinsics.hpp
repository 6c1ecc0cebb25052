// What kernels/cuda/intrinsics.hpp says in the instructions of the GPU, on the host.
#pragma once

#include <cuda_runtime.h>

#include <bit>
#include <cstdint>

#include "kernels/cpu/bfloat16.hpp"

namespace argosy::cuda {

inline std::uint16_t bf16_bits(float x) { return cpu::to_bfloat16(x); }

template <class T>
T* dynamic_shared() {
  return reinterpret_cast<T*>(test::emulator::dynamic_shared());
}

struct four_registers {
  std::uint32_t at[4];
};
struct two_registers {
  std::uint32_t at[2];
};

inline float half_of(std::uint32_t pair, int which) { return std::bit_cast<float>(which == 0 ? pair << 16 : pair & 0xffff0000u); }

inline void multiply_16x8x16(float (&d)[4], const four_registers& a, const two_registers& b) {
  struct brought {
    four_registers a;
    two_registers b;
  };
  const brought mine{a, b};
  const auto* const all = reinterpret_cast<const brought*>(test::emulator::exchange(&mine, sizeof mine));
  const auto of_a = [&](int m, int k) { return half_of(all[m % 8 * 4 + k % 8 / 2].a.at[m / 8 + k / 8 * 2], k % 2); };
  const auto of_b = [&](int k, int n) { return half_of(all[n * 4 + k % 8 / 2].b.at[k / 8], k % 2); };
  const int g = static_cast<int>(test::emulator::lane()) / 4, t = static_cast<int>(test::emulator::lane()) % 4;
  for (int i = 0; i < 4; ++i) {
    const int m = g + i / 2 * 8, n = 2 * t + i % 2;
    for (int k = 0; k < 16; ++k) d[i] += of_a(m, k) * of_b(k, n);
  }
}

inline four_registers load_transposed(const void* row) {
  const auto* const rows = reinterpret_cast<const std::uint16_t* const*>(test::emulator::exchange(&row, sizeof row));
  const int g = static_cast<int>(test::emulator::lane()) / 4, t = static_cast<int>(test::emulator::lane()) % 4;
  four_registers r{};
  for (int i = 0; i < 4; ++i)
    r.at[i] = static_cast<std::uint32_t>(rows[8 * i + 2 * t][g]) | static_cast<std::uint32_t>(rows[8 * i + 2 * t + 1][g]) << 16;
  return r;
}

}  // namespace argosy::cuda

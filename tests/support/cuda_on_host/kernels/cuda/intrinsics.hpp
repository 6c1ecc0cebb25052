// What kernels/cuda/intrinsics.hpp says in the instructions of the GPU, on the host.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <utility>

#include "kernels/cpu/bfloat16.hpp"

namespace argosy::cuda {

inline std::uint16_t bf16_bits(float x) { return cpu::to_bfloat16(x); }

// For numbers of a sign, `exponent_bits` and `fraction_bits`, whose largest is `limit`.
inline std::uint8_t eight_bits(float x, int exponent_bits, int fraction_bits, float limit) {
  const std::uint8_t sign = std::signbit(x) ? 0x80 : 0;
  if (std::isnan(x)) return 0x7f;
  const float size = std::min(std::fabs(x), limit);
  const int bias = (1 << (exponent_bits - 1)) - 1, lowest = 1 - bias;
  const int exponent = size > 0 ? std::max(std::ilogb(size), lowest) : lowest;
  // In units of the last place; a carry goes on into the exponent.
  const auto units = static_cast<int>(std::nearbyint(std::scalbn(size, fraction_bits - exponent)));
  return static_cast<std::uint8_t>(sign + units + ((exponent - lowest) << fraction_bits));
}
inline std::uint8_t e4m3_bits(float x) { return eight_bits(x, 4, 3, 448); }
inline std::uint8_t e5m2_bits(float x) { return eight_bits(x, 5, 2, 57344); }

inline unsigned float_bits(float x) { return std::bit_cast<unsigned>(x); }
inline float bits_float(unsigned x) { return std::bit_cast<float>(x); }

inline void raise_to(unsigned* place, unsigned to) { *place = std::max(*place, to); }
inline unsigned count_in(unsigned* place) { return (*place)++; }
inline unsigned taken_from(unsigned* place) { return std::exchange(*place, 0u); }

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

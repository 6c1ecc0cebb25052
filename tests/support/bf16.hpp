// Numbers of bfloat16 on the host, by their bits.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace argosy::test {

struct bf16 {
  std::uint16_t bits = 0;
};

inline float number_of(bf16 x) noexcept { return std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16); }

// To the nearest, ties to even; of numbers, not of NaN.
inline bf16 bf16_of(float x) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return {static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1)) >> 16)};
}

}  // namespace argosy::test

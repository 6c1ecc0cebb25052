// IEEE 754 half precision: how features are stored. kernels/elementwise.hpp reads them (from_halves).
// Ours: 11 significant bits are far below what patches differ by, and 2048 features of 16 patches are 64 KiB an image instead of 128;
// bfloat16 has 8 bits and a range that pooled features do not need.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace argosy {

inline constexpr float largest_half = 65504.f;
// Whether x is a number that rounds to a finite half.
inline bool fits_half(float x) noexcept { return std::abs(x) < 65520.f; }

// The nearest half, ties to even. REQUIRES fits_half(x).
inline std::uint16_t half_of(float x) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
  constexpr float least_normal = 0x1p-14f;
  if (std::abs(x) < least_normal)
    return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(std::nearbyint(std::abs(x) * 0x1p24f)));
  const std::uint32_t rounded = magnitude + 0xFFFu + (magnitude >> 13 & 1u);
  return static_cast<std::uint16_t>(sign | ((rounded >> 13) - (112u << 10)));
}

}  // namespace argosy

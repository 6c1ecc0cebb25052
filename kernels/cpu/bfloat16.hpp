// bfloat16: the upper half of a float32. Rounded to nearest, ties to even; infinities stay, a NaN stays one.
#pragma once

#include <bit>
#include <cstdint>

namespace argosy::cpu {

// The bits of the rounded number in the upper half of a word; what is in the lower half is to be dropped.
constexpr std::uint32_t rounded_to_bfloat16(std::uint32_t bits) noexcept {
  const bool is_nan = (bits & 0x7FFFFFFFu) > 0x7F800000u;
  return is_nan ? bits | 0x00400000u : bits + 0x7FFFu + (bits >> 16 & 1u);
}

constexpr std::uint16_t to_bfloat16(float x) noexcept {
  return static_cast<std::uint16_t>(rounded_to_bfloat16(std::bit_cast<std::uint32_t>(x)) >> 16);
}
constexpr float round_to_bfloat16(float x) noexcept {
  return std::bit_cast<float>(rounded_to_bfloat16(std::bit_cast<std::uint32_t>(x)) & 0xFFFF0000u);
}

inline void to_bfloat16(std::int64_t count, const float* from, std::uint16_t* to) noexcept {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) to[i] = to_bfloat16(from[i]);
}
inline void round_to_bfloat16(std::int64_t count, const float* from, float* to) noexcept {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) to[i] = round_to_bfloat16(from[i]);
}

}  // namespace argosy::cpu

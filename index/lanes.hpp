// Eight floats side by side by the compiler's vector extension, whatever the machine, so that sums have one order everywhere.
// Not for other rooms.
#pragma once

#include <cstring>

namespace argosy {

typedef float lanes __attribute__((vector_size(32)));
inline constexpr std::size_t lane_count = 8;

inline lanes load(const float* from) noexcept {
  lanes loaded;
  std::memcpy(&loaded, from, sizeof(loaded));
  return loaded;
}
inline void store(float* to, lanes from) noexcept { std::memcpy(to, &from, sizeof(from)); }
inline lanes splat(float value) noexcept { return value - lanes{}; }

// a * b + c, in one rounding where the machine has an instruction for it: -std=c++20 forbids the compiler to fuse by itself.
inline float multiply_add(float a, float b, float c) noexcept {
#ifdef __FP_FAST_FMAF
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}
inline lanes multiply_add(lanes a, lanes b, lanes c) noexcept {
  lanes sum;
  for (std::size_t i = 0; i < lane_count; ++i) sum[i] = multiply_add(a[i], b[i], c[i]);
  return sum;
}

}  // namespace argosy

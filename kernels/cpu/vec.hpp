// One register of floats, by the compiler's vector extension: the same code for any -march.
// The functions named like those of <cmath> are polynomials without branches; their accuracy is stated beside them and
// held by tests/kernels/elementwise.cpp.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

namespace argosy::cpu {

#if defined(__AVX512F__)
inline constexpr int lanes = 16;
#elif defined(__AVX__)
inline constexpr int lanes = 8;
#else
inline constexpr int lanes = 4;
#endif

typedef float vec __attribute__((vector_size(lanes * sizeof(float))));
typedef std::int32_t vec_int __attribute__((vector_size(lanes * sizeof(std::int32_t))));

inline vec splat(float x) noexcept { return x - vec{}; }

inline vec load(const float* from) noexcept {
  vec x;
  std::memcpy(&x, from, sizeof x);
  return x;
}
inline void store(float* to, vec x) noexcept { std::memcpy(to, &x, sizeof x); }

// The first `count` < lanes elements; the others are 0.
inline vec load_first(const float* from, std::int64_t count) noexcept {
  vec x{};
  for (std::int64_t i = 0; i < count; ++i) x[i] = from[i];
  return x;
}
inline void store_first(float* to, vec x, std::int64_t count) noexcept {
  for (std::int64_t i = 0; i < count; ++i) to[i] = x[i];
}
inline vec keep_first(vec x, std::int64_t count) noexcept {
  for (std::int64_t i = count; i < lanes; ++i) x[i] = 0;
  return x;
}

inline vec max(vec a, vec b) noexcept { return a > b ? a : b; }
inline vec min(vec a, vec b) noexcept { return a < b ? a : b; }
inline vec abs(vec a) noexcept { return max(a, -a); }

// Halves onto each other, in an order fixed by the width.
inline float sum(vec x) noexcept {
#if defined(__AVX512F__)
  const auto eight = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) + __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
#elif defined(__AVX__)
  const auto eight = x;
#endif
#if defined(__AVX__)
  auto four = __builtin_shufflevector(eight, eight, 0, 1, 2, 3) + __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
#else
  auto four = x;
#endif
  four += __builtin_shufflevector(four, four, 2, 3, 0, 1);
  return four[0] + four[1];
}
inline float largest(vec x) noexcept {
  float most = x[0];
  for (int i = 1; i < lanes; ++i) most = std::max(most, x[i]);
  return most;
}

// Relative error under 2e-7 on [-87, 88] (the polynomial of Cephes' expf); 0 below, e^88 above.
inline vec exp(vec x) noexcept {
  const vec in = min(splat(88.f), max(splat(-87.f), x));  // in this order NaN passes
  const vec rounder = splat(0x1.8p23f);                   // adding it leaves the nearest integer in the low bits
  const vec shifted = in * 1.44269504088896341f + rounder;
  const vec n = shifted - rounder;
  const vec r = (in - n * 0.693359375f) - n * -2.12194440e-4f;
  vec p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const vec mantissa = p * (r * r) + r + 1.f;
  const vec scaled = std::bit_cast<vec>(std::bit_cast<vec_int>(mantissa) + (std::bit_cast<vec_int>(shifted) << 23));
  return x < splat(-87.f) ? vec{} : scaled;
}

// Phi(x), given e = exp(-x*x/2): Phi(-|x|) = e * u * P(u), u = 1 / (1 + 0.27 |x|), P fitted on |x| <= 14 to 2.4e-8, so that the
// negative tail keeps its relative accuracy: under 5e-7 besides the error of e.
inline vec normal_cdf(vec x, vec e) noexcept {
  const vec u = 1.f / (abs(x) * 0.27f + 1.f);
  vec p = splat(2.891527289e-02f);
  p = p * u + -1.262552551e-01f;
  p = p * u + 1.692913785e-01f;
  p = p * u + -6.862093658e-02f;
  p = p * u + 1.073993948e-01f;
  p = p * u + 7.224030962e-02f;
  p = p * u + 1.017591595e-01f;
  p = p * u + 1.075505073e-01f;
  p = p * u + 1.077201810e-01f;
  const vec tail = e * (u * p);
  return x < vec{} ? tail : 1.f - tail;
}

// REQUIRES count >= 1.
inline float largest_of(std::int64_t count, const float* from) noexcept {
  vec most = splat(from[0]);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) most = max(most, load(from + i));
  float top = largest(most);
  for (; i < count; ++i) top = std::max(top, from[i]);
  return top;
}

// to[i] = f(from[i]...)
template <class F, class... From>
void map(std::int64_t count, float* to, F f, const From*... from) noexcept {
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) store(to + i, f(load(from + i)...));
  if (i < count) store_first(to + i, f(load_first(from + i, count - i)...), count - i);
}

// The same, and added to sum[i] as well.
template <class F, class... From>
void map_and_add(std::int64_t count, float* to, float* sum, F f, const From*... from) noexcept {
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const vec made = f(load(from + i)...);
    store(to + i, made);
    store(sum + i, load(sum + i) + made);
  }
  if (i == count) return;
  const vec made = f(load_first(from + i, count - i)...);
  store_first(to + i, made, count - i);
  store_first(sum + i, load_first(sum + i, count - i) + made, count - i);
}

// Sum of f(from[i]...), in four running sums.
template <class F, class... From>
float map_sum(std::int64_t count, F f, const From*... from) noexcept {
  vec s0{}, s1{}, s2{}, s3{};
  std::int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    s0 += f(load(from + i)...);
    s1 += f(load(from + i + lanes)...);
    s2 += f(load(from + i + 2 * lanes)...);
    s3 += f(load(from + i + 3 * lanes)...);
  }
  for (; i + lanes <= count; i += lanes) s0 += f(load(from + i)...);
  if (i < count) s1 += keep_first(f(load_first(from + i, count - i)...), count - i);
  return sum((s0 + s1) + (s2 + s3));
}

}  // namespace argosy::cpu

// Matrix products by oneDNN, counted for flop_share.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/status.hpp"
#include "kernels/tensor.hpp"

namespace argosy::cpu {

struct factor {
  const float* data;
  std::int64_t stride;
  bool transposed = false;
};

struct product_shape {
  std::int64_t m, n, k;  // C is (m, n), k the letter summed over
};

inline factor plain(const_view x) noexcept { return {x.as<float>(), std::max(x.stride, x.cols)}; }
inline factor transposed(const_view x) noexcept { return {x.as<float>(), std::max(x.stride, x.cols), true}; }

// A stride for rows of `cols` floats that is no multiple of 1 KiB.
constexpr std::int64_t unclashing_stride(std::int64_t cols) noexcept {
  const std::int64_t whole = (cols + 15) / 16 * 16;
  return whole % 256 == 0 ? whole + 16 : whole;
}

// C (=|+=) alpha * A B
status multiply(int threads, product_shape, float alpha, factor a, factor b, bool add, float* c, std::int64_t c_stride);

inline status multiply(int threads, std::int64_t k, float alpha, factor a, factor b, bool add, view c) {
  return multiply(threads, {c.rows, c.cols, k}, alpha, a, b, add, c.as<float>(), std::max(c.stride, c.cols));
}

// C += A^T B with the tokens as the letter summed over: the gradient of weights. Where a stride is a multiple of 1 KiB, columns of a
// block fall into a few cache sets and sgemm slows down; such a factor is first copied, 256 rows at a time, to rows of a better stride in
// `scratch`.
std::int64_t gradient_product_floats(const_view a, const_view b) noexcept;
status add_gradient_product(int threads, const_view a, const_view b, view c, float* scratch);

// The same with both factors rounded to bfloat16 and sums in float32. Copies of both go to `scratch`, whole, so that no stride clashes.
struct rounded_factor {
  const_view values;
  bool transposed = false;
};
std::int64_t bfloat16_product_floats(const_view a, const_view b) noexcept;
status multiply_bfloat16(int threads, rounded_factor a, rounded_factor b, bool add, view c, float* scratch);
bool multiplies_bfloat16() noexcept;

}  // namespace argosy::cpu

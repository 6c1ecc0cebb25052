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

// C (=|+=) alpha * A B
status multiply(int threads, product_shape, float alpha, factor a, factor b, bool add, float* c, std::int64_t c_stride);

inline status multiply(int threads, std::int64_t k, float alpha, factor a, factor b, bool add, view c) {
  return multiply(threads, {c.rows, c.cols, k}, alpha, a, b, add, c.as<float>(), std::max(c.stride, c.cols));
}

}  // namespace argosy::cpu

// Products of matrices that fit the first-level cache, on one thread: what attention over short sequences is made of.
//     C(i, j) (=|+=) sum over k of A(i, k) B(k, j)      A(i, k) = a[i * row_step + k * k_step], so A may be read transposed
#pragma once

#include <utility>

#include "kernels/cpu/vec.hpp"

namespace argosy::cpu {

struct small_factor {
  const float* data;
  std::int64_t row_step, k_step;
};

struct small_rows {
  const float* data;
  std::int64_t stride;
};

namespace detail {

// Rows x (Vectors * lanes) of C in registers; or, Ragged, the last `count` < lanes columns.
template <int Rows, int Vectors, bool Ragged>
inline void product_block(std::int64_t k, small_factor a, small_rows b, bool add, float* c, std::int64_t c_stride, std::int64_t count) {
  const auto get = [count](const float* from) { return Ragged ? load_first(from, count) : load(from); };
  vec sum[Rows][Vectors] = {};
  for (std::int64_t step = 0; step < k; ++step) {
    vec right[Vectors];
    for (int v = 0; v < Vectors; ++v) right[v] = get(b.data + step * b.stride + v * lanes);
    for (int i = 0; i < Rows; ++i) {
      const vec left = splat(a.data[i * a.row_step + step * a.k_step]);
      for (int v = 0; v < Vectors; ++v) sum[i][v] += left * right[v];
    }
  }
  for (int i = 0; i < Rows; ++i)
    for (int v = 0; v < Vectors; ++v) {
      float* const to = c + i * c_stride + v * lanes;
      const vec all = add ? get(to) + sum[i][v] : sum[i][v];
      if constexpr (Ragged)
        store_first(to, all, count);
      else
        store(to, all);
    }
}

template <int Rows>
void product_rows(std::int64_t n, std::int64_t k, small_factor a, small_rows b, bool add, float* c, std::int64_t c_stride) {
  std::int64_t j = 0;
  for (; j + 2 * lanes <= n; j += 2 * lanes) product_block<Rows, 2, false>(k, a, {b.data + j, b.stride}, add, c + j, c_stride, 0);
  for (; j + lanes <= n; j += lanes) product_block<Rows, 1, false>(k, a, {b.data + j, b.stride}, add, c + j, c_stride, 0);
  if (j < n) product_block<Rows, 1, true>(k, a, {b.data + j, b.stride}, add, c + j, c_stride, n - j);
}

// Lanes First, First + 1, ... of both, taken in turns.
template <int First, int... I>
vec interleaved(vec a, vec b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, (First + I / 2 + I % 2 * lanes)...);
}

// Rows become columns: log2(lanes) perfect shuffles.
inline void transpose_block(vec (&x)[lanes]) {
  constexpr std::make_integer_sequence<int, lanes> all{};
  for (int done = 1; done < lanes; done *= 2) {
    vec y[lanes];
    for (int i = 0; i < lanes / 2; ++i) {
      y[2 * i] = interleaved<0>(x[i], x[i + lanes / 2], all);
      y[2 * i + 1] = interleaved<lanes / 2>(x[i], x[i + lanes / 2], all);
    }
    for (int i = 0; i < lanes; ++i) x[i] = y[i];
  }
}

}  // namespace detail

// to (cols, to_stride) = from (rows, cols) transposed. REQUIRES to_stride to be a multiple of lanes, >= rows; what is past `rows` is 0.
inline void small_transpose(std::int64_t rows, std::int64_t cols, small_rows from, float* to, std::int64_t to_stride) {
  for (std::int64_t r = 0; r < rows; r += lanes)
    for (std::int64_t c = 0; c < cols; c += lanes) {
      vec block[lanes];
      for (std::int64_t i = 0; i < lanes; ++i) {
        const float* const at = from.data + (r + i) * from.stride + c;
        block[i] = r + i >= rows ? vec{} : c + lanes <= cols ? load(at) : load_first(at, cols - c);
      }
      detail::transpose_block(block);
      for (std::int64_t i = 0; i < std::min<std::int64_t>(lanes, cols - c); ++i) store(to + (c + i) * to_stride + r, block[i]);
    }
}

inline void small_product(std::int64_t m, std::int64_t n, std::int64_t k, small_factor a, small_rows b, bool add, float* c,
                          std::int64_t c_stride) {
  // Blocks as even as can be: 8 rows are 4 and 4, not 6 and 2.
  const int all = static_cast<int>(m), blocks = (all + 5) / 6, most = blocks == 0 ? 1 : (all + blocks - 1) / blocks;
  for (int row = 0; row < all;) {
    const int rows = std::min(most, all - row);
    const small_factor from{a.data + row * a.row_step, a.row_step, a.k_step};
    float* const to = c + row * c_stride;
    switch (rows) {
      case 1: detail::product_rows<1>(n, k, from, b, add, to, c_stride); break;
      case 2: detail::product_rows<2>(n, k, from, b, add, to, c_stride); break;
      case 3: detail::product_rows<3>(n, k, from, b, add, to, c_stride); break;
      case 4: detail::product_rows<4>(n, k, from, b, add, to, c_stride); break;
      case 5: detail::product_rows<5>(n, k, from, b, add, to, c_stride); break;
      default: detail::product_rows<6>(n, k, from, b, add, to, c_stride); break;
    }
    row += rows;
  }
}

}  // namespace argosy::cpu

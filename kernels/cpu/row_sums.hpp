// Sums over the rows of a matrix, as the gradients of biases and gains are. Rows are cut into blocks by the shape alone; each block sums in
// float32, the blocks are added in order in double, so the result does not depend on the number of threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "kernels/cpu/parallel.hpp"

namespace argosy::cpu {

// At least 64 rows a block and at most 64 blocks, so that the second pass is small.
constexpr std::int64_t row_sum_block(std::int64_t rows) noexcept { return std::max<std::int64_t>(64, pieces_of(rows, 64)); }

// Floats of scratch that add_row_sums needs for `vectors` sums of `cols`.
constexpr std::int64_t row_sum_floats(std::int64_t rows, std::int64_t cols, std::int64_t vectors) noexcept {
  return pieces_of(rows, row_sum_block(rows)) * cols * vectors;
}

// row_body(row, sums) adds one row to each of sums[0 .. into.size()), (cols) each; their totals are added to into[..].
template <class RowBody>
void add_row_sums(int threads, std::int64_t rows, std::int64_t cols, float* partial, std::span<float* const> into,
                  const RowBody& row_body) {
  constexpr std::size_t most = 2;
  const std::size_t vectors = std::min(most, into.size());
  const std::int64_t block = row_sum_block(rows), blocks = pieces_of(rows, block);
  const std::int64_t width = cols * static_cast<std::int64_t>(vectors);
  for_pieces(threads, rows, block, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    float* const mine = partial + piece * width;
    std::fill_n(mine, width, 0.f);
    float* sums[most] = {mine, mine + (width - cols)};
    for (std::int64_t row = first; row < last; ++row) row_body(row, sums);
  });
  for_pieces(threads, cols, 64, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (std::size_t vector = 0; vector < vectors; ++vector) {
      double total[64] = {};
      for (std::int64_t b = 0; b < blocks; ++b) {
        const float* const from = partial + b * width + static_cast<std::int64_t>(vector) * cols;
        for (std::int64_t c = first; c < last; ++c) total[c - first] += static_cast<double>(from[c]);
      }
      for (std::int64_t c = first; c < last; ++c) into[vector][c] += static_cast<float>(total[c - first]);
    }
  });
}

}  // namespace argosy::cpu

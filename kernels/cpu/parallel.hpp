// Loops over rows or elements, cut into pieces whose bounds depend on the shape alone, never on the number of threads.
#pragma once

#include <algorithm>
#include <cstdint>

namespace argosy::cpu {

inline constexpr std::int64_t piece_elements = 16384;  // 64 KiB: a piece of three matrices stays in a second-level cache

constexpr std::int64_t pieces_of(std::int64_t count, std::int64_t piece) noexcept { return (count + piece - 1) / piece; }

// Rows of `cols` elements that make about one piece.
constexpr std::int64_t rows_of_a_piece(std::int64_t cols) noexcept {
  return std::max<std::int64_t>(1, piece_elements / std::max<std::int64_t>(1, cols));
}

// body(piece, first, last) for [0, count) in pieces; every thread takes neighbouring ones.
template <class Body>
void for_pieces(int threads, std::int64_t count, std::int64_t piece, const Body& body) {
  const std::int64_t pieces = pieces_of(count, piece);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1 && pieces > 1)
  for (std::int64_t p = 0; p < pieces; ++p) body(p, p * piece, std::min(count, (p + 1) * piece));
}

// body(row) for rows of `cols` elements.
template <class Body>
void for_rows(int threads, std::int64_t rows, std::int64_t cols, const Body& body) {
  for_pieces(threads, rows, rows_of_a_piece(cols), [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) body(row);
  });
}

// body(row, first, count) for all elements of a matrix; when every view is contiguous the matrix is taken as one long row.
template <class Body>
void for_each_piece(int threads, std::int64_t rows, std::int64_t cols, bool contiguous, const Body& body) {
  if (contiguous) {
    for_pieces(threads, rows * cols, piece_elements,
               [&](std::int64_t, std::int64_t first, std::int64_t last) { body(0, first, last - first); });
  } else {
    for_rows(threads, rows, cols, [&](std::int64_t row) { body(row, 0, cols); });
  }
}

}  // namespace argosy::cpu

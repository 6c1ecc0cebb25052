#include "index/checked_rows.hpp"

#include <cmath>
#include <limits>

namespace argosy {
namespace {

constexpr float largest_value = 1e15f;

status check_values(std::string_view what, const_view values) {
  for (std::int64_t r = 0; r < values.rows; ++r) {
    for (std::int64_t c = 0; c < values.cols; ++c) {
      const float value = values.row<float>(r)[c];
      if (std::abs(value) <= largest_value) continue;
      return {errc::invalid_argument, std::string(what) + ": row " + std::to_string(r) + ", column " + std::to_string(c) +
                                          ": want a number of at most 1e15, found " + std::to_string(value)};
    }
  }
  return {};
}

}  // namespace

status check_vectors(const_view vectors) {
  if (vectors.type != dtype::f32 || vectors.cols < 1 || vectors.rows >= std::numeric_limits<std::uint32_t>::max())
    return {errc::shape_mismatch, "vectors: want f32 of at least 1 column and fewer than 2^32 - 1 rows, got " + shape_text(vectors)};
  return check_values("vectors", vectors);
}

status check_rows(std::size_t first, std::size_t count, std::size_t rows) {
  if (first <= rows && count <= rows - first) return {};
  return {errc::out_of_range,
          "rows: want some of " + std::to_string(rows) + ", got " + std::to_string(count) + " from " + std::to_string(first)};
}

status check_search(const_view queries, const search_options& options, std::size_t rows, std::size_t columns) {
  if (options.k == 0) return {errc::invalid_argument, "k: want at least 1, got 0"};
  if (options.threads < 1) return {errc::invalid_argument, "threads: want at least 1, got " + std::to_string(options.threads)};
  if (queries.type != dtype::f32 || queries.cols != static_cast<std::int64_t>(columns)) {
    return {errc::shape_mismatch, "queries: want f32 of " + std::to_string(columns) + " columns, got " + shape_text(queries)};
  }
  if (options.allowed != nullptr && options.allowed->rows() != rows) {
    return {errc::shape_mismatch,
            "allowed: want a set of " + std::to_string(rows) + " rows, got " + std::to_string(options.allowed->rows())};
  }
  return check_values("queries", queries);
}

}  // namespace argosy

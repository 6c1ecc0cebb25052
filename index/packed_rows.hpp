// Vectors in whole numbers along their principal axes (rotation.hpp): the first `wide` axes, where they are long, in 12 bits, the others in 8.
//     x ~ wide_scale * w  |  byte_scale * b         |w| <= 2047, |b| <= 127, a scale each per vector
// A row is wide i16, then D - wide i8 padded with zeros to a multiple of 32, then both scales, f32. Bytes: 2 wide + D - wide + 8.
// Products with a query along the same axes are sums in integers (code_scan.hpp):
//     <q, x> ~ wide_scale q_scale <q_w, w> + byte_scale q'_scale <q_b, b>
// Not for other rooms.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "index/code_scan.hpp"

namespace argosy {

// The nearest integers in steps of the scale, which is returned: the largest magnitude becomes `limit`. 0 for zeros, and for numbers so small
// that the steps have no float; -limit for what is no number.
template <class T>
float to_integers(const float* from, std::size_t count, float limit, T* to) noexcept {
  float largest = 0;
  for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(from[i]));
  if (!std::isfinite(limit / largest)) largest = 0;
  const float per_step = largest > 0 ? limit / largest : 0;
  for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<T>(std::min(limit, std::max(-limit, std::nearbyint(from[i] * per_step))));
  return largest / limit;
}

struct row_layout {
  std::size_t columns = 0, wide = 0;  // D; wide: a multiple of 32 or D padded to one
  std::size_t narrow() const noexcept { return columns > wide ? columns - wide : 0; }
  std::size_t narrow_stride() const noexcept { return padded(narrow()); }
  std::size_t bytes() const noexcept { return wide * sizeof(std::int16_t) + narrow_stride() + 2 * sizeof(float); }
  static std::size_t padded(std::size_t columns) noexcept { return (columns + dot_multiple - 1) / dot_multiple * dot_multiple; }
};

// Wide are the axes that the tree uses, but at most a quarter of all (ours: a row stays under 1.3 D bytes); at least 32.
row_layout layout_for(std::size_t columns, std::size_t kept) noexcept;

void pack_row(const row_layout&, const float* rotated, std::byte* row) noexcept;

void unpack_row(const row_layout&, const std::byte* row, float* rotated) noexcept;

// Integers with a scale, as the loops want a query; zero beyond `columns` to `stride`.
struct packed_query {
  std::vector<std::int16_t> values;
  float scale = 0;
  void assign(const float* query, std::size_t columns, std::size_t stride, int limit);
};

struct split_query {
  packed_query wide, narrow;
  void assign(const row_layout&, const float* rotated);
};

float product(const row_layout&, const scan_kernels&, const split_query&, const std::byte* row) noexcept;

}  // namespace argosy

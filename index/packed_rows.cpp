#include "index/packed_rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace argosy {
row_layout layout_for(std::size_t columns, std::size_t kept) noexcept {
  const std::size_t most = std::max(dot_multiple, columns / 4 / dot_multiple * dot_multiple);
  return {columns, std::min(row_layout::padded(kept), most)};
}

void pack_row(const row_layout& layout, const float* rotated, std::byte* row) noexcept {
  std::memset(row, 0, layout.bytes());
  auto* wide = reinterpret_cast<std::int16_t*>(row);
  auto* narrow = reinterpret_cast<std::int8_t*>(wide + layout.wide);
  const std::size_t first = std::min(layout.wide, layout.columns);
  const float scales[2] = {to_integers(rotated, first, static_cast<float>(wide_limit), wide),
                           to_integers(rotated + first, layout.narrow(), 127.0f, narrow)};
  std::memcpy(narrow + layout.narrow_stride(), scales, sizeof(scales));
}

void unpack_row(const row_layout& layout, const std::byte* row, float* rotated) noexcept {
  const auto* wide = reinterpret_cast<const std::int16_t*>(row);
  const auto* narrow = reinterpret_cast<const std::int8_t*>(wide + layout.wide);
  float scales[2];
  std::memcpy(scales, narrow + layout.narrow_stride(), sizeof(scales));
  const std::size_t first = std::min(layout.wide, layout.columns);
  for (std::size_t i = 0; i < first; ++i) rotated[i] = scales[0] * static_cast<float>(wide[i]);
  for (std::size_t i = 0; i < layout.narrow(); ++i) rotated[first + i] = scales[1] * static_cast<float>(narrow[i]);
}

void packed_query::assign(const float* query, std::size_t columns, std::size_t stride, int limit) {
  values.assign(stride, 0);
  scale = to_integers(query, columns, static_cast<float>(limit), values.data());
}

void split_query::assign(const row_layout& layout, const float* rotated) {
  const std::size_t first = std::min(layout.wide, layout.columns);
  wide.assign(rotated, first, layout.wide, wide_query_limit(layout.wide));
  narrow.assign(rotated + first, layout.narrow(), layout.narrow_stride(), query_limit(std::max(dot_multiple, layout.narrow_stride())));
}

float product(const row_layout& layout, const scan_kernels& kernels, const split_query& query, const std::byte* row) noexcept {
  const auto* wide = reinterpret_cast<const std::int16_t*>(row);
  const auto* narrow = reinterpret_cast<const std::int8_t*>(wide + layout.wide);
  float scales[2];
  std::memcpy(scales, narrow + layout.narrow_stride(), sizeof(scales));
  const auto of_wide = static_cast<float>(kernels.dot_wide(query.wide.values.data(), wide, layout.wide));
  const auto of_narrow = static_cast<float>(kernels.dot(query.narrow.values.data(), narrow, layout.narrow_stride()));
  return of_wide * (query.wide.scale * scales[0]) + of_narrow * (query.narrow.scale * scales[1]);
}

}  // namespace argosy

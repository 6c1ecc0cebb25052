#include "index/panel.hpp"

#include <algorithm>

#include "index/lanes.hpp"

namespace argosy {
namespace {

static_assert(panel_queries == 2 * lane_count);

// Twelve sums, a row's element and two of the panel fill the sixteen registers of AVX2.
constexpr std::size_t rows_at_once = 6;

template <std::size_t Rows>
void score_rows(const float* rows, std::size_t columns, const float* panel, float* scores) noexcept {
  lanes low[Rows] = {}, high[Rows] = {};
  for (std::size_t i = 0; i < columns; ++i) {
    const lanes panel_low = load(panel + i * panel_queries), panel_high = load(panel + i * panel_queries + lane_count);
#pragma GCC unroll 8  // or the sums live in memory
    for (std::size_t r = 0; r < Rows; ++r) {
      const lanes element = splat(rows[r * columns + i]);
      low[r] = multiply_add(element, panel_low, low[r]);
      high[r] = multiply_add(element, panel_high, high[r]);
    }
  }
  for (std::size_t r = 0; r < Rows; ++r) {
    store(scores + r * panel_queries, low[r]);
    store(scores + r * panel_queries + lane_count, high[r]);
  }
}

}  // namespace

void pack_panel(const_view queries, float* panel) noexcept {
  std::fill_n(panel, static_cast<std::size_t>(queries.cols) * panel_queries, 0.0f);
  for (std::int64_t q = 0; q < queries.rows; ++q) {
    for (std::int64_t i = 0; i < queries.cols; ++i) panel[i * static_cast<std::int64_t>(panel_queries) + q] = queries.row<float>(q)[i];
  }
}

void score_panel(const float* rows, std::size_t count, std::size_t columns, const float* panel, float* scores) noexcept {
  std::size_t r = 0;
  for (; r + rows_at_once <= count; r += rows_at_once)
    score_rows<rows_at_once>(rows + r * columns, columns, panel, scores + r * panel_queries);
  for (; r < count; ++r) score_rows<1>(rows + r * columns, columns, panel, scores + r * panel_queries);
}

}  // namespace argosy

// The walk that forward and backward of the matching loss share: tiles of queries and columns, their similarities by one product each,
// and the masks. Products come before the bank, so a query meets its columns in rising order and its masks need one pass.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cpu/parallel.hpp"
#include "kernels/cpu/product.hpp"
#include "kernels/cpu/qpm_masks.hpp"
#include "kernels/qpm_loss.hpp"

namespace argosy::cpu {

// One rectangle; all of its columns are of one source. `column` counts through products and bank.
struct qpm_tile {
  std::int64_t query, queries, column, columns;
  bool bank;
  const_view embedding;  // (columns, D)
};

// What is known of one query on its way along the columns.
struct qpm_query {
  double own_dot = 0, own_logit = 0;  // of the positive, which stays outside the tiles, without weight
  double top = 0;                     // the largest logit so far
  double sum[2] = {0, 0};             // of e^{s - top} over negatives: of products, of the bank
  double d_scale = 0;
  std::size_t next_mask = 0;
};

class qpm_tiles {
public:
  static constexpr std::int64_t queries = 256, columns = 1024;  // 1 MiB of logits
  static constexpr std::int64_t stride = unclashing_stride(columns);
  static constexpr std::int64_t floats = queries * stride;  // of scratch
  // The similarity of a cell that does not count: its share of any softmax is exactly 0.
  static constexpr float masked = -1e30f;

  qpm_tiles(int threads, const qpm_input&, float* scratch);

  qpm_query& query(std::int64_t b) noexcept { return states_[static_cast<std::size_t>(b)]; }
  const qpm_masks& masks() const noexcept { return masks_; }
  // Rows of the tile, rows `stride` apart: the similarities u.v when row_body is called.
  float* cells(std::int64_t row) noexcept { return cells_ + row * stride; }
  // -log p + ln w of each column of the tile.
  const float* bias(const qpm_tile& t) const noexcept { return bias_.data() + t.column; }
  std::int64_t own(std::int64_t b) const noexcept { return in_.own[static_cast<std::size_t>(b)]; }

  // row_body(tile, row) on every row of a tile, in parallel, then tile_body(tile), which returns a status.
  template <class RowBody, class TileBody>
  status walk(const RowBody& row_body, const TileBody& tile_body) {
    for (std::int64_t first = 0; first < in_.query.rows; first += queries)
      for (const bool bank : {false, true}) ARGOSY_TRY(walk_source(first, bank, row_body, tile_body));
    return {};
  }

private:
  template <class RowBody, class TileBody>
  status walk_source(std::int64_t first_query, bool bank, const RowBody& row_body, const TileBody& tile_body) {
    const const_view source = bank ? in_.bank : in_.product;
    const std::int64_t before = bank ? in_.product.rows : 0, rows = source.empty() ? 0 : source.rows;
    for (std::int64_t first = 0; first < rows; first += columns) {
      const std::int64_t count = std::min(columns, rows - first);
      const qpm_tile t{
          first_query, std::min(queries, in_.query.rows - first_query), before + first, count, bank, source.row_range(first, count)};
      ARGOSY_TRY(similarities(t));
      for_rows(threads_, t.queries, 4 * count, [&](std::int64_t row) {
        mask_row(t, row);
        row_body(t, row);
      });
      ARGOSY_TRY(tile_body(t));
    }
    return {};
  }

  status similarities(const qpm_tile&);
  void mask_row(const qpm_tile&, std::int64_t row);

  int threads_;
  const qpm_input& in_;
  qpm_masks masks_;
  float* cells_;
  std::vector<float> bias_;
  std::vector<qpm_query> states_;
};

}  // namespace argosy::cpu

// k-means clustering of rows in Euclidean distance (Lloyd's), the same for any number of threads.
//     nearest(x) = argmin over c of |x - c|^2 = argmax over c of <x, c> - |c|^2 / 2,   of equal ones the smaller c
//     c' = mean of the rows nearest to c
// Letters   N rows, D columns, C centroids; all row-major f32 without gaps.
// Order     A row's nearest centroid depends on that row alone; a mean is summed by one thread, by rising row, in float64.
// Empty     A centroid that no row is nearest to takes the place beside the one with the most rows, both moved apart by 1/1024 of each column.
// Cost      2 N C D flops an iteration.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/tensor.hpp"

namespace argosy {

struct kmeans_settings {
  std::size_t clusters = 1;  // at least 1
  int iterations = 10;
  std::uint64_t seed = 1;
  int threads = 1;
};

// Centroids (C, D), C = min(clusters, rows.size()), of the given rows of `vectors`. They start at rows drawn by `seed`.
std::vector<float> train_kmeans(const_view vectors, std::span<const std::uint32_t> rows, const kmeans_settings&);

// For each of `rows`, the nearest of `centroids` (C, D).
std::vector<std::uint32_t> nearest_centroids(const_view vectors, std::span<const std::uint32_t> rows, const_view centroids, int threads);

// 0 to count - 1.
std::vector<std::uint32_t> all_rows(std::size_t count);
// Copies rows of `vectors` end to end.
void gather_rows(const_view vectors, std::span<const std::uint32_t> rows, float* out) noexcept;
inline constexpr std::size_t tile_rows = 96;  // compared with centroids at once: 96 KiB at 256 columns, in the second cache beside a panel

// `count` of `rows`, drawn without replacement, rising; all of them when there are no more.
std::vector<std::uint32_t> drawn_rows(std::span<const std::uint32_t> rows, std::size_t count, std::uint64_t seed);

// `rows` in groups by `label` (below `labels`), within a group in their order: group g is members[offset[g]] to members[offset[g + 1]].
struct row_groups {
  std::vector<std::uint64_t> offset;
  std::vector<std::uint32_t> members;
  std::span<const std::uint32_t> of(std::size_t group) const noexcept {
    return std::span(members).subspan(offset[group], offset[group + 1] - offset[group]);
  }
};
row_groups group_rows(std::span<const std::uint32_t> rows, std::span<const std::uint32_t> label, std::size_t labels);

// Centroids side by side in panels of 16 (panel.hpp), with half of their squared lengths: what rows are compared with.
class centroid_panels {
public:
  explicit centroid_panels(const_view centroids);
  std::size_t size() const noexcept { return half_square_.size(); }
  // Calls `take(row of the tile, centroid, <x, c>)` for `count` rows of D columns end to end, by rising centroid within a row.
  template <class Take>
  void products(const float* tile, std::size_t count, std::vector<float>& scores, Take&& take) const {
    for (std::size_t first = 0; first < size(); first += width) {
      score(tile, count, first / width, scores);
      const std::size_t here = std::min(width, size() - first);
      for (std::size_t r = 0; r < count; ++r) {
        for (std::size_t c = 0; c < here; ++c) take(r, first + c, scores[r * width + c]);
      }
    }
  }
  // The same with <x, c> - |c|^2 / 2, the larger the nearer.
  template <class Take>
  void nearness(const float* tile, std::size_t count, std::vector<float>& scores, Take&& take) const {
    products(tile, count, scores, [&](std::size_t r, std::size_t c, float product) { take(r, c, product - half_square_[c]); });
  }

private:
  static constexpr std::size_t width = 16;
  void score(const float* tile, std::size_t count, std::size_t panel, std::vector<float>& scores) const;
  std::size_t columns_;
  std::vector<float> panels_, half_square_;
};

}  // namespace argosy

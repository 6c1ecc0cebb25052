#include "index/kmeans.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "base/check.hpp"
#include "base/random.hpp"
#include "index/inner_product.hpp"
#include "index/panel.hpp"

namespace argosy {
namespace {

std::size_t columns_of(const_view vectors) noexcept { return static_cast<std::size_t>(vectors.cols); }

void nearest_of_tile(const centroid_panels& panels, const float* tile, std::size_t count, std::vector<float>& scores,
                     std::uint32_t* nearest) {
  float best[tile_rows];
  std::fill_n(best, count, -std::numeric_limits<float>::infinity());
  std::fill_n(nearest, count, 0u);
  panels.nearness(tile, count, scores, [&](std::size_t r, std::size_t c, float value) {
    if (!(value > best[r])) return;
    best[r] = value;
    nearest[r] = static_cast<std::uint32_t>(c);
  });
}

std::vector<float> means_of(const_view vectors, const row_groups& groups, std::span<const float> before, int threads) {
  const std::size_t columns = columns_of(vectors), clusters = groups.offset.size() - 1;
  std::vector<float> means(before.begin(), before.end());
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (std::size_t c = 0; c < clusters; ++c) {
    const auto members = groups.of(c);
    if (members.empty()) continue;
    std::vector<double> sum(columns);
    for (const std::uint32_t row : members) {
      const float* x = vectors.row<float>(row);
      for (std::size_t i = 0; i < columns; ++i) sum[i] += static_cast<double>(x[i]);
    }
    for (std::size_t i = 0; i < columns; ++i) means[c * columns + i] = static_cast<float>(sum[i] / static_cast<double>(members.size()));
  }
  return means;
}

// In order of the empty ones; each halves the group that is the largest then.
void fill_empty(const row_groups& groups, std::size_t columns, std::vector<float>& means) {
  const std::size_t clusters = groups.offset.size() - 1;
  std::vector<std::size_t> size(clusters);
  for (std::size_t c = 0; c < clusters; ++c) size[c] = groups.of(c).size();
  for (std::size_t c = 0; c < clusters; ++c) {
    if (size[c] > 0) continue;
    const auto largest = static_cast<std::size_t>(std::max_element(size.begin(), size.end()) - size.begin());
    for (std::size_t i = 0; i < columns; ++i) {
      float &a = means[largest * columns + i], &b = means[c * columns + i];
      const float apart = (i % 2 == 0 ? a : -a) * 0x1p-10f;
      b = a - apart;
      a += apart;
    }
    size[c] = size[largest] / 2;
    size[largest] -= size[c];
  }
}

}  // namespace

centroid_panels::centroid_panels(const_view centroids) : columns_(columns_of(centroids)) {
  const auto count = static_cast<std::size_t>(centroids.rows);
  panels_.resize((count + panel_queries - 1) / panel_queries * panel_queries * columns_);
  for (std::size_t c = 0; c < count; c += panel_queries) {
    const auto here = static_cast<std::int64_t>(std::min(panel_queries, count - c));
    pack_panel(centroids.row_range(static_cast<std::int64_t>(c), here), panels_.data() + c * columns_);
  }
  for (std::int64_t c = 0; c < centroids.rows; ++c) {
    const float* at = centroids.row<float>(c);
    half_square_.push_back(0.5f * inner_product(at, at, columns_));
  }
}

void centroid_panels::score(const float* tile, std::size_t count, std::size_t panel, std::vector<float>& scores) const {
  static_assert(panel_queries == width);
  scores.resize(std::max(scores.size(), count * panel_queries));
  score_panel(tile, count, columns_, panels_.data() + panel * panel_queries * columns_, scores.data());
}

std::vector<std::uint32_t> nearest_centroids(const_view vectors, std::span<const std::uint32_t> rows, const_view centroids, int threads) {
  ARGOSY_CHECK(centroids.rows > 0 && centroids.cols == vectors.cols);
  const centroid_panels panels(centroids);
  std::vector<std::uint32_t> nearest(rows.size());
#pragma omp parallel num_threads(threads)
  {
    std::vector<float> tile(tile_rows * columns_of(vectors)), scores;
#pragma omp for schedule(dynamic)
    for (std::size_t first = 0; first < rows.size(); first += tile_rows) {
      const auto here = rows.subspan(first, std::min(tile_rows, rows.size() - first));
      gather_rows(vectors, here, tile.data());
      nearest_of_tile(panels, tile.data(), here.size(), scores, nearest.data() + first);
    }
  }
  return nearest;
}

std::vector<std::uint32_t> all_rows(std::size_t count) {
  std::vector<std::uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0u);
  return rows;
}

void gather_rows(const_view vectors, std::span<const std::uint32_t> rows, float* out) noexcept {
  for (std::size_t r = 0; r < rows.size(); ++r)
    std::copy_n(vectors.row<float>(rows[r]), columns_of(vectors), out + r * columns_of(vectors));
}

std::vector<std::uint32_t> drawn_rows(std::span<const std::uint32_t> rows, std::size_t count, std::uint64_t seed) {
  std::vector<std::uint32_t> drawn(rows.begin(), rows.end());
  if (count >= rows.size()) return drawn;
  for (std::size_t i = 0; i < count; ++i) {  // Fisher and Yates, as far as needed
    const auto bits = philox(seed, {static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i >> 32), 0, 0});
    const std::uint64_t left = drawn.size() - i;
    std::swap(drawn[i], drawn[i + (std::uint64_t{bits[0]} << 32 | bits[1]) % left]);
  }
  drawn.resize(count);
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

row_groups group_rows(std::span<const std::uint32_t> rows, std::span<const std::uint32_t> label, std::size_t labels) {
  ARGOSY_CHECK(rows.size() == label.size());
  row_groups groups{std::vector<std::uint64_t>(labels + 1), std::vector<std::uint32_t>(rows.size())};
  for (const std::uint32_t g : label) ++groups.offset[g + 1];
  std::partial_sum(groups.offset.begin(), groups.offset.end(), groups.offset.begin());
  std::vector<std::uint64_t> next(groups.offset.begin(), groups.offset.end() - 1);
  for (std::size_t i = 0; i < rows.size(); ++i) groups.members[next[label[i]]++] = rows[i];
  return groups;
}

std::vector<float> train_kmeans(const_view vectors, std::span<const std::uint32_t> rows, const kmeans_settings& settings) {
  ARGOSY_CHECK(settings.clusters > 0 && !rows.empty());
  const std::size_t columns = columns_of(vectors), clusters = std::min(settings.clusters, rows.size());
  std::vector<float> centroids(clusters * columns);
  gather_rows(vectors, drawn_rows(rows, clusters, settings.seed), centroids.data());
  for (int i = 0; i < settings.iterations; ++i) {
    const const_view now = view_of(std::as_const(centroids).data(), static_cast<std::int64_t>(clusters), vectors.cols);
    const row_groups groups = group_rows(rows, nearest_centroids(vectors, rows, now, settings.threads), clusters);
    centroids = means_of(vectors, groups, centroids, settings.threads);
    fill_empty(groups, columns, centroids);
  }
  return centroids;
}

}  // namespace argosy

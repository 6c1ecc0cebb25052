#include "index/hc_tree.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.hpp"
#include "index/code_scan.hpp"
#include "index/kmeans.hpp"
#include "index/packed_rows.hpp"

namespace argosy {
namespace {

constexpr std::size_t rows_a_cluster = 128;  // drawn to train it
constexpr std::size_t beam = leaf_choices;

void add_centroids(const std::vector<float>& centroids, byte_rows& to) {
  for (std::size_t at = 0; at < centroids.size(); at += to.columns) to.add(centroids.data() + at);
}

std::vector<float> restored(const byte_rows& from, std::size_t first, std::size_t end) {
  std::vector<float> rows((end - first) * from.columns);
  for (std::size_t r = first; r < end; ++r) from.restore(r, rows.data() + (r - first) * from.columns);
  return rows;
}

std::vector<float> train_clusters(const_view vectors, std::span<const std::uint32_t> rows, std::size_t clusters, const tree_settings& how,
                                  std::uint64_t seed) {
  const auto drawn = drawn_rows(rows, rows_a_cluster * clusters, seed);
  return train_kmeans(vectors, drawn, {.clusters = clusters, .seed = seed, .threads = how.threads});
}

// The rows of each node of the last level so far, by the tree's own order: going down without a beam.
row_groups split(const_view vectors, const row_groups& parents, const std::vector<std::uint64_t>& children, const byte_rows& centroids,
                 int threads) {
  std::vector<std::uint32_t> rows, label;
  for (std::size_t node = 0; node + 1 < children.size(); ++node) {
    const auto members = parents.of(node);
    if (members.empty()) continue;
    const std::size_t first = children[node], count = children[node + 1] - first;
    const auto centers = restored(centroids, first, first + count);
    const auto nearest =
        nearest_centroids(vectors, members, view_of(centers.data(), static_cast<std::int64_t>(count), vectors.cols), threads);
    rows.insert(rows.end(), members.begin(), members.end());
    for (const std::uint32_t child : nearest) label.push_back(static_cast<std::uint32_t>(first + child));
  }
  return group_rows(rows, label, centroids.size());
}

// The children of every node: its share of `total`, at least one.
tree_level next_level(const_view vectors, const row_groups& parents, std::size_t total, const tree_settings& how, std::uint64_t seed,
                      std::vector<std::uint64_t>& children) {
  tree_level level{byte_rows(static_cast<std::size_t>(vectors.cols)), {}};
  const std::size_t nodes = parents.offset.size() - 1;
  std::vector<std::vector<float>> trained(nodes);
  tree_settings alone = how;
  alone.threads = 1;
#pragma omp parallel for num_threads(how.threads) schedule(dynamic)
  for (std::size_t node = 0; node < nodes; ++node) {
    const auto members = parents.of(node);
    if (members.empty()) continue;
    const double share = static_cast<double>(members.size()) / static_cast<double>(vectors.rows);
    const auto wanted = static_cast<std::size_t>(std::llround(share * static_cast<double>(total)));
    trained[node] = train_clusters(vectors, members, std::max<std::size_t>(1, wanted), alone, seed + node);
  }
  children.assign(1, 0);
  for (const auto& centroids : trained) {
    add_centroids(centroids, level.centroids);
    children.push_back(level.centroids.size());
  }
  return level;
}

struct place {
  float value = -std::numeric_limits<float>::infinity();
  std::uint32_t node = std::numeric_limits<std::uint32_t>::max();
};
bool nearer(const place& a, const place& b) noexcept { return a.value > b.value || (a.value == b.value && a.node < b.node); }

// The `beam` best, best first.
struct places {
  place best[beam];
  void offer(place found) noexcept {
    if (!nearer(found, best[beam - 1])) return;
    std::size_t at = beam - 1;
    for (; at > 0 && nearer(found, best[at - 1]); --at) best[at] = best[at - 1];
    best[at] = found;
  }
};

// Offers the nodes first to end of a level to the rows `of`; `to[i]` belongs to row of[i].
void offer_nodes(const byte_rows& centroids, std::size_t first, std::size_t end, const_view vectors, std::span<const std::uint32_t> of,
                 places* to) {
  const auto columns = static_cast<std::size_t>(vectors.cols);
  const auto centers = restored(centroids, first, end);
  const centroid_panels panels(view_of(centers.data(), static_cast<std::int64_t>(end - first), vectors.cols));
  std::vector<float> tile(tile_rows * columns), scores;
  for (std::size_t at = 0; at < of.size(); at += tile_rows) {
    const std::size_t count = std::min(tile_rows, of.size() - at);
    gather_rows(vectors, of.subspan(at, count), tile.data());
    panels.nearness(tile.data(), count, scores, [&](std::size_t r, std::size_t c, float value) {
      to[at + r].offer({value, static_cast<std::uint32_t>(first + c)});
    });
  }
}

std::vector<places> first_places(const tree_level& top, const_view vectors, int threads) {
  const auto rows = all_rows(static_cast<std::size_t>(vectors.rows));
  std::vector<places> found(rows.size());
  constexpr std::size_t step = 64 * tile_rows;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (std::size_t at = 0; at < rows.size(); at += step) {
    const std::size_t count = std::min(step, rows.size() - at);
    offer_nodes(top.centroids, 0, top.centroids.size(), vectors, std::span(rows).subspan(at, count), found.data() + at);
  }
  return found;
}

// From the best nodes of a level to the best of their children. A row's pairs (row, node) are visited by node, then brought together.
std::vector<places> next_places(const std::vector<std::uint64_t>& children, const tree_level& level, const std::vector<places>& from,
                                const_view vectors, int threads) {
  std::vector<std::uint32_t> pairs, nodes;
  for (std::size_t r = 0; r < from.size(); ++r) {
    for (std::size_t b = 0; b < beam; ++b) {
      if (from[r].best[b].node >= children.size() - 1) continue;
      pairs.push_back(static_cast<std::uint32_t>(r));
      nodes.push_back(from[r].best[b].node);
    }
  }
  const row_groups groups = group_rows(pairs, nodes, children.size() - 1);
  std::vector<places> by_pair(pairs.size());
  const std::size_t parents = children.size() - 1;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (std::size_t node = 0; node < parents; ++node) {
    if (children[node] == children[node + 1] || groups.of(node).empty()) continue;
    offer_nodes(level.centroids, children[node], children[node + 1], vectors, groups.of(node), by_pair.data() + groups.offset[node]);
  }
  std::vector<places> found(from.size());
  for (std::size_t p = 0; p < by_pair.size(); ++p) {
    for (const place& each : by_pair[p].best) found[groups.members[p]].offer(each);
  }
  return found;
}

}  // namespace

byte_rows::byte_rows(std::size_t columns_of_a_row) : columns(columns_of_a_row), stride(row_layout::padded(columns_of_a_row)) {}

void byte_rows::add(const float* row) {
  bytes.resize(bytes.size() + stride);
  scale.push_back(to_integers(row, columns, 127.0f, bytes.data() + bytes.size() - stride));
}

void byte_rows::restore(std::size_t r, float* row) const noexcept {
  for (std::size_t i = 0; i < columns; ++i) row[i] = scale[r] * bytes[r * stride + i];
}

hc_tree train_tree(const_view vectors, const tree_settings& how) {
  ARGOSY_CHECK(how.levels >= 1 && how.leaves >= 1 && vectors.rows > 0);
  const auto fan = [&](int level) {  // nodes of the level: leaves^(level / levels)
    return static_cast<std::size_t>(std::llround(std::pow(static_cast<double>(how.leaves), static_cast<double>(level) / how.levels)));
  };
  hc_tree tree;
  const auto rows = all_rows(static_cast<std::size_t>(vectors.rows));
  tree.levels.push_back({byte_rows(static_cast<std::size_t>(vectors.cols)), {}});
  add_centroids(train_clusters(vectors, rows, fan(1), how, how.seed), tree.levels.back().centroids);
  row_groups groups{{0, rows.size()}, rows};
  std::vector<std::uint64_t> children = {0, tree.levels.back().centroids.size()};
  for (int level = 2; level <= how.levels; ++level) {
    groups = split(vectors, groups, children, tree.levels.back().centroids, how.threads);
    tree_level next = next_level(vectors, groups, fan(level), how, how.seed + static_cast<std::uint64_t>(level) * 0x10000000u, children);
    tree.levels.back().children = children;
    tree.levels.push_back(std::move(next));
  }
  return tree;
}

std::vector<std::uint32_t> nearest_leaves(const hc_tree& tree, const_view vectors, int threads) {
  std::vector<places> found = first_places(tree.levels.front(), vectors, threads);
  for (std::size_t t = 1; t < tree.levels.size(); ++t)
    found = next_places(tree.levels[t - 1].children, tree.levels[t], found, vectors, threads);
  std::vector<std::uint32_t> leaves;
  leaves.reserve(beam * found.size());
  for (const places& of : found) {
    for (const place& each : of.best) leaves.push_back(each.node < tree.leaves() ? each.node : of.best[0].node);
  }
  return leaves;
}

}  // namespace argosy

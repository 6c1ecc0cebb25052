// The k-means tree of the hierarchical index: how rows come to leaves.
//     level 1 clusters all rows; a node of level t clusters the rows that it is nearest to into its children, as many as its share of the
//     rows; the last level's nodes are the leaves
// Centroids are kept in bytes, value = scale * byte, |byte| <= 127; rows are assigned to what is kept, by Euclidean distance.
// A row goes down from the `beam` best nodes of a level, not from the best alone, so that a border of a level hides no nearer leaf.
// Nistér and Stewénius, "Scalable recognition with a vocabulary tree", CVPR 2006; the beam is ours. Deterministic for any number of threads.
// Letters   D columns, padded to a multiple of 32 (code_scan.hpp) in centroids.
// Not for other rooms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/status.hpp"
#include "kernels/tensor.hpp"

namespace argosy {

// Rows in bytes with a scale each.
struct byte_rows {
  std::size_t columns = 0, stride = 0;  // stride: columns padded
  std::vector<std::int8_t> bytes;       // (rows, stride), zero beyond the columns
  std::vector<float> scale;

  explicit byte_rows(std::size_t columns_of_a_row = 0);
  std::size_t size() const noexcept { return scale.size(); }
  void add(const float* row);
  // Columns of row r as floats again.
  void restore(std::size_t r, float* row) const noexcept;
};

struct tree_level {
  byte_rows centroids;
  std::vector<std::uint64_t> children;  // (nodes + 1): offsets into the next level; empty at the last
};

struct hc_tree {
  std::vector<tree_level> levels;
  std::size_t leaves() const noexcept { return levels.empty() ? 0 : levels.back().centroids.size(); }
};

struct tree_settings {
  int levels = 1;
  std::size_t leaves = 1;
  std::uint64_t seed = 1;
  int threads = 1;
};

// At most `leaves` leaves; fewer when there are fewer rows.
hc_tree train_tree(const_view vectors, const tree_settings&);

inline constexpr std::size_t leaf_choices = 4;
// For each row the leaves that it is nearest to, nearest first, (N, leaf_choices); the nearest again where there are no more.
std::vector<std::uint32_t> nearest_leaves(const hc_tree&, const_view vectors, int threads);

}  // namespace argosy

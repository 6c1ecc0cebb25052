// What every index does: the k rows of largest inner product. flat_index answers exactly and is the oracle of those that approximate.
// Letters   N stored vectors, D columns, Q queries.
// Ties      by row, the smaller first, so that answers do not depend on threads.
// Threads   search may be called from many threads at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "index/row_set.hpp"
#include "kernels/tensor.hpp"

namespace argosy {

struct hit {
  std::uint32_t row = 0;
  float score = 0;
  friend bool operator==(const hit&, const hit&) = default;
};

// How hard an approximate index looks; more of each finds more and takes longer. 0: what the index was published with. Exact ones ignore it.
struct search_effort {
  std::uint32_t leaves = 0;  // visited
  std::uint32_t rerank = 0;  // candidates scored with the stored vectors; at least 2 k in any case
  friend bool operator==(const search_effort&, const search_effort&) = default;
};

struct search_options {
  std::size_t k = 10;                // at most size() hits come back
  int threads = 1;                   // >= 1; each has its part of the rows
  const row_set* allowed = nullptr;  // rows that may be answered, of size() rows; none: all
  search_effort effort = {};
};

class vector_index {
public:
  virtual ~vector_index() = default;
  virtual std::string_view kind() const noexcept = 0;
  virtual std::size_t size() const noexcept = 0;
  virtual std::size_t columns() const noexcept = 0;
  // queries (Q, D) f32 -> Q lists, best first, shorter than k only when fewer rows are allowed. shape_mismatch, invalid_argument (k = 0),
  // corrupt.
  virtual result<std::vector<std::vector<hit>>> search(const_view queries, const search_options&) const = 0;
  virtual status verify() const = 0;
  // What a search without an effort of its own uses; {} where nothing is to be chosen, and use() does nothing there.
  virtual search_effort effort() const noexcept { return {}; }
  virtual void use(search_effort) noexcept {}
  // Of how many a search chooses the leaves that it visits; 0 without leaves.
  virtual std::size_t leaves() const noexcept { return 0; }
  // The stored vectors, rows first to first + count, as near as they are kept: (count, D) f32. out_of_range, corrupt.
  virtual result<std::vector<float>> restore(std::size_t first, std::size_t count) const = 0;
};

// Exact: every row is scored by SIMD inner products in float32, in tiles that stay in cache. A hit's score is inner_product() of the two
// (inner_product.hpp), whatever the batch; only of rows whose scores differ by rounding alone may another one be the last of a list.
// Values are finite and at most 1e15 in magnitude, in vectors and queries, so that no score overflows (invalid_argument).
// Bytes are verified by the first search.
status write_flat_index(const std::filesystem::path&, const_view vectors);
result<std::unique_ptr<vector_index>> open_flat_index(const std::filesystem::path&);
// The same without a file, over vectors (N, D) f32 without gaps that outlive it.
result<std::unique_ptr<vector_index>> flat_index_over(const_view vectors);
// By the kind that the file itself names.
result<std::unique_ptr<vector_index>> open_index(const std::filesystem::path&);

// The definition, for tests and benchmarks: plain loops, double accumulators.
std::vector<std::vector<hit>> search_reference(const_view vectors, const_view queries, std::size_t k);

}  // namespace argosy

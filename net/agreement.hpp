// What the ranks of a group have to agree about before any of them reads or sends a tensor (net/collective.hpp).
// Each brings a proposal; all judge the same proposals, so they come to the same verdict.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "kernels/tensor.hpp"

namespace argosy {

enum class operation : std::uint8_t {
  none,
  gather_rows,
  gather_bytes,
  gather_at_root,
  gather_counts,
  all_reduce,
  reduce_scatter,
  broadcast
};

struct proposal {
  operation what = operation::none;
  dtype type = dtype::f32;
  std::int64_t rows = 0, cols = 0;
  std::int64_t number = 0;                   // the root, or the rank's count
  std::span<const std::int64_t> sizes_of{};  // what this rank believes every rank brings
  status problem{};                          // its own arguments contradict each other
};

// shape_mismatch, or the problem of the first rank that has one.
status judge(std::span<const proposal>);

struct place_in_group {
  int rank = 0, size = 1;
};

proposal propose_gather(place_in_group, const_view mine, std::span<const std::int64_t> rows_of, const_view all);
proposal propose_gather_bytes(place_in_group, std::int64_t mine, std::span<const std::int64_t> bytes_of, std::int64_t all);
proposal propose_gather_at_root(place_in_group, std::int64_t mine, std::span<const std::int64_t> bytes_of, int root, std::int64_t all);
proposal propose_counts(std::int64_t mine);
// Sums are of f32 or f64, or of bf16 too.
proposal propose_all_reduce(const_view x, bool of_bf16_too = false);
proposal propose_reduce_scatter(place_in_group, const_view all, std::span<const std::int64_t> rows_of, const_view mine,
                                bool of_bf16_too = false);
proposal propose_broadcast(place_in_group, const_view x, int root);

// A proposal on its way: as many numbers as any other of a group of so many ranks.
std::vector<std::int64_t> numbers_of(const proposal&, int ranks);
// Views the numbers. What is none has a problem that says so.
proposal proposal_of(std::span<const std::int64_t>);

std::string rank_text(std::int64_t rank);  // "rank 3"

}  // namespace argosy

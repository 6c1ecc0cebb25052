// Product quantisation with 4-bit codes: Jégou et al., "Product quantization for nearest neighbor search", TPAMI 2011, section III.
//     z is cut into M parts of neighbouring columns; code(z, m) = argmin over c < 16 of |z_m - codebook_m[c]|^2
//     <p, z> ~ sum over m of <p_m, codebook_m[code(z, m)]>
// The columns of projection.hpp differ widely in variance, so parts differ in width (ours; Ge et al., "Optimized product quantization", CVPR
// 2013, balance products of variances by permuting instead): M parts of 1 to 8 columns that minimise
//     sum over parts of w (product of the part's variances)^(1/w) 2^(-8/w)
// A query's table of M x 16 inner products is rounded to bytes, so that a scan adds integers (code_scan.hpp):
//     sum over m of entry = bias + step * sum over m of byte,   bias = sum over m of the least entry,   |error| <= M step / 2
// Letters   N rows, K columns, M parts, a multiple of 8; parts beyond the columns are empty.
// Not for other rooms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/tensor.hpp"

namespace argosy {

struct code_table {
  std::vector<std::uint8_t> entries;  // (M, 16)
  float bias = 0, step = 1;
};

class product_quantiser {
public:
  // first (M + 1): part m has columns first[m] to first[m + 1]; codebook (K, 16): column i of the 16 entries of its part.
  product_quantiser(std::vector<std::uint32_t> first, std::vector<float> codebook);
  // About `parts` parts, at least K / 8 and at most K, and then k-means in each, over rows (N, K); N at least 1.
  static product_quantiser train(const_view rows, std::size_t parts, std::uint64_t seed, int threads);

  std::size_t parts() const noexcept { return first_.size() - 1; }
  std::size_t columns() const noexcept { return first_.back(); }
  std::span<const std::uint32_t> first() const noexcept { return first_; }
  std::span<const float> codebook() const noexcept { return codebook_; }

  // Of one row: M codes, one a byte.
  void encode(const float* row, std::uint8_t* codes) const noexcept;
  // Reuses what `table` holds.
  void make_table(const float* query, code_table& table) const;

private:
  std::vector<std::uint32_t> first_;
  std::vector<float> codebook_;
  std::vector<float> half_square_;  // (M, 16)
};

// The widths of `parts` parts over columns of these variances, as above; their sum is the number of columns.
std::vector<std::uint32_t> part_widths(std::span<const double> variances, std::size_t parts);

}  // namespace argosy

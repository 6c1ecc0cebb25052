// The axes in which the hierarchical index keeps vectors: the principal axes b_k of the stored vectors, the widest first.
//     V = covariance of stored vectors x, S = second moment of queries        V = B^T diag(lambda) B, s_k = b_k^T S b_k
//     z_k = sqrt(s_k) b_k (x - mu),   p_k = b_k q / sqrt(s_k),   k < K;   <q, x> = <p, z> + <q, mu> + what K axes leave out
// so that |z - z'|^2 is the mean square difference of <q, x> and <q, x'> over queries, as far as S has the same axes, and no code is spent
// where no query looks. All sqrt(s_k) are divided by the largest, so that z is about as large as x - mu. <q, mu> is the same for all x and
// ranks nothing. S is taken from the stored vectors, since queries are trained to lie where they do, with a twentieth of its trace spread over
// all axes alike (ours; Guo et al., arXiv 1908.10396, weigh errors vector by vector).
// K is the least that leaves out at most 1e-4 of sum of s_k lambda_k, rounded up to 16.
// Letters   N rows, D columns, K axes of the tree and the codes.
// For the index, and `argosy bench scans`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/tensor.hpp"

namespace argosy {

struct rotation {
  std::size_t columns = 0, kept = 0;  // D, K
  std::vector<float> axes;            // (D, D): row k is b_k
  std::vector<float> weight;          // (K): sqrt(s_k), the largest 1
  std::vector<float> mean;            // (D), along the axes: b_k mu
};

// From rows drawn by `seed`; N at least 1.
rotation train_rotation(const_view vectors, std::uint64_t seed);

// `axes` with element (k, i) at i * D + k, so that a vector is turned by whole registers.
std::vector<float> by_columns(std::span<const float> axes, std::size_t columns);
// out (D) = B x.
void rotate(std::span<const float> axes_by_columns, std::size_t columns, const float* x, float* out) noexcept;
// The same of several rows x, to the last bit; four of them share what is read of the axes.
inline constexpr std::size_t rotated_together = 4;
void rotate(std::span<const float> axes_by_columns, const_view x, float* out) noexcept;

// z of every row, (N, K).
std::vector<float> project_rows(const rotation&, const_view vectors, int threads);

}  // namespace argosy

// Matrix products on the device, by cuBLASLt (blas.cpp).
//     C (=|+=) op(A) op(B) + bias        s = sums of op(A)'s rows        all row-major
// Letters   C (m, n), op(A) (m, k), op(B) (k, n); bias (1, n) of C's type; s (1, m) float32.
// Sums      in float32; the factors are both float32, or both bfloat16, or float32 rounded to TF32 where `rounds` says so.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <memory>

#include "base/status.hpp"
#include "kernels/cuda/fp8.hpp"
#include "kernels/tensor.hpp"

namespace argosy::cuda {

struct factor {
  const_view matrix;        // as it lies in memory
  bool transposed = false;  // use its transpose
  std::int64_t rows() const noexcept { return transposed ? matrix.cols : matrix.rows; }
  std::int64_t cols() const noexcept { return transposed ? matrix.rows : matrix.cols; }
};

struct product_input {
  factor a, b;
  bool add = false;
  bool rounds = false;  // float32 factors may be rounded to TF32
  const_view bias = {};
  view row_sums = {};  // s, overwritten, in the pass that reads A anyway; not with a bias
};

// C (m, n) (=|+=) A B^T + bias, of 8-bit factors A (m, k), B (n, k): k a multiple of 16. Bias bfloat16, as C then is.
struct fp8_product {
  fp8_matrix a, b;
  bool add = false;
  bool fast = false;  // sums of fewer bits, which NVIDIA advises for what is not summed over a batch
  const_view bias = {};
};

class blas {
public:
  virtual ~blas() = default;
  // c float32 or bfloat16. REQUIRES matching shapes. A product over nothing is 0. unavailable, with nothing written: it has no such product, as of
  // some shapes with row_sums.
  virtual status multiply(const product_input&, view c) = 0;
  virtual status multiply(const fp8_product&, view c) = 0;
};

// to[n] += row, for every row n (elementwise.cu).
status add_row(cudaStream_t, const_view row, view to);

// Products are put on this stream, which outlives the object.
result<std::unique_ptr<blas>> make_blas(cudaStream_t);

}  // namespace argosy::cuda

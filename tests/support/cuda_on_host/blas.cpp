// kernels/cuda/blas.hpp in plain loops.
#include "kernels/cuda/blas.hpp"

#include <utility>

#include "kernels/cuda/device_code.hpp"

namespace argosy::cuda {
namespace {

double number(const const_view& v, std::int64_t row, std::int64_t col) {
  const std::int64_t at = row * v.stride + col;
  return v.type == dtype::bf16 ? static_cast<double>(to_float(static_cast<const bf16*>(v.data)[at]))
                               : static_cast<double>(static_cast<const float*>(v.data)[at]);
}
double number(const factor& f, std::int64_t row, std::int64_t col) {
  return f.transposed ? number(f.matrix, col, row) : number(f.matrix, row, col);
}

class plain_blas final : public blas {
public:
  status multiply(const product_input& in, view c) override {
    const bool agree = in.a.rows() == c.rows && in.b.cols() == c.cols && in.a.cols() == in.b.rows();
    if (!agree || in.a.matrix.type != in.b.matrix.type || (!in.bias.empty() && (in.bias.type != c.type || !in.bias.is(1, c.cols))))
      return {errc::shape_mismatch, "a product of " + shape_text(in.a.matrix) + " and " + shape_text(in.b.matrix) + " to " + shape_text(c)};
    // cuBLASLt has them for some shapes alone.
    if (!in.row_sums.empty() && (in.a.cols() == 0 || c.cols % 8 != 0)) return {errc::unavailable, "no algorithm"};
    for (std::int64_t r = 0; r < c.rows && !in.row_sums.empty(); ++r) {
      double sum = 0;
      for (std::int64_t k = 0; k < in.a.cols(); ++k) sum += number(in.a, r, k);
      static_cast<float*>(in.row_sums.data)[r] = static_cast<float>(sum);
    }
    for (std::int64_t r = 0; r < c.rows; ++r)
      for (std::int64_t n = 0; n < c.cols; ++n) {
        double sum = in.add ? number(c, r, n) : 0;
        for (std::int64_t k = 0; k < in.a.cols(); ++k) sum += number(in.a, r, k) * number(in.b, k, n);
        if (!in.bias.empty()) sum += number(in.bias, 0, n);
        if (c.type == dtype::bf16)
          put(static_cast<bf16*>(c.data)[r * c.stride + n], static_cast<float>(sum));
        else
          static_cast<float*>(c.data)[r * c.stride + n] = static_cast<float>(sum);
      }
    return {};
  }
};

}  // namespace

result<std::unique_ptr<blas>> make_blas(cudaStream_t) { return std::unique_ptr<blas>(std::make_unique<plain_blas>()); }

}  // namespace argosy::cuda

// kernels/cuda/blas.hpp in plain loops.
#include "kernels/cuda/blas.hpp"

#include <cmath>
#include <utility>

#include "kernels/cuda/device_code.hpp"

namespace argosy::cuda {
namespace {

double number(const const_view& v, std::int64_t row, std::int64_t col) {
  const std::int64_t at = row * v.stride + col;
  return v.type == dtype::bf16 ? static_cast<double>(to_float(static_cast<const bf16*>(v.data)[at]))
                               : static_cast<double>(static_cast<const float*>(v.data)[at]);
}
double number(const fp8_matrix& m, std::int64_t row, std::int64_t col) {
  const std::uint8_t byte = m.data[row * m.cols + col];
  const int fraction_bits = m.is_gradient ? 2 : 3, bias = m.is_gradient ? 15 : 7, exponent = (byte & 0x7f) >> fraction_bits;
  const int fraction = byte & ((1 << fraction_bits) - 1);
  const bool nan = m.is_gradient ? (byte & 0x7f) > 0x7c : (byte & 0x7f) == 0x7f;
  if (nan) return NAN;
  const double size = exponent == 0 ? std::ldexp(fraction, 1 - bias - fraction_bits)
                                    : std::ldexp(fraction + (1 << fraction_bits), exponent - bias - fraction_bits);
  return (byte < 0x80 ? size : -size) * static_cast<double>(*m.unit);
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
        write(c, r, n, sum);
      }
    return {};
  }

  status multiply(const fp8_product& in, view c) override {
    const bool agree = in.a.rows == c.rows && in.b.rows == c.cols && in.a.cols == in.b.cols && in.a.cols % 16 == 0;
    if (!agree || in.a.data == nullptr || in.b.data == nullptr || (!in.bias.empty() && (in.bias.type != c.type || !in.bias.is(1, c.cols))))
      return {errc::shape_mismatch, "an 8-bit product to " + shape_text(c)};
    for (std::int64_t r = 0; r < c.rows; ++r)
      for (std::int64_t n = 0; n < c.cols; ++n) {
        double sum = in.add ? number(c, r, n) : 0;
        for (std::int64_t k = 0; k < in.a.cols; ++k) sum += number(in.a, r, k) * number(in.b, n, k);
        if (!in.bias.empty()) sum += number(in.bias, 0, n);
        write(c, r, n, sum);
      }
    return {};
  }

private:
  static void write(view c, std::int64_t row, std::int64_t col, double x) {
    if (c.type == dtype::bf16)
      put(static_cast<bf16*>(c.data)[row * c.stride + col], static_cast<float>(x));
    else
      static_cast<float*>(c.data)[row * c.stride + col] = static_cast<float>(x);
  }
};

}  // namespace

result<std::unique_ptr<blas>> make_blas(cudaStream_t) { return std::unique_ptr<blas>(std::make_unique<plain_blas>()); }

}  // namespace argosy::cuda

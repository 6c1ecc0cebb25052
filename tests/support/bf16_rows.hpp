// Rows of bfloat16 for tests of operators beside the reference.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include "kernels/tensor.hpp"
#include "tests/support/bf16.hpp"

namespace argosy::test {

inline constexpr double bf16_roundoff = 0x1.0p-8;

// Rows of bfloat16 for the device under test, the same numbers in float64 for the reference.
class rows {
public:
  template <class Fill>
  rows(std::int64_t count, std::int64_t cols, Fill fill, std::int64_t gap = 0)
      : rows_(count),
        cols_(cols),
        stride_(cols + gap),
        narrow_(static_cast<std::size_t>(count * stride_ + 8), guard),
        wide_(narrow_.size()) {
    for (std::int64_t r = 0; r < count; ++r)
      for (std::int64_t c = 0; c < cols; ++c) {
        narrow_[at(r, c)] = bf16_of(static_cast<float>(fill(r * cols + c)));
        wide_[at(r, c)] = static_cast<double>(number_of(narrow_[at(r, c)]));
      }
  }
  view bf16() { return {narrow_.data(), dtype::bf16, rows_, cols_, stride_}; }
  view f64() { return {wide_.data(), dtype::f64, rows_, cols_, stride_}; }

  // Of the device's numbers and the reference's: how far they lie apart, as a share of the reference's length.
  double relative_error() const {
    double square = 0, all = 0;
    for (std::int64_t r = 0; r < rows_; ++r)
      for (std::int64_t c = 0; c < cols_; ++c) {
        const double want = wide_[at(r, c)], got = static_cast<double>(number_of(narrow_[at(r, c)]));
        square += (got - want) * (got - want);
        all += want * want;
      }
    return std::sqrt(square / all);
  }

  void check(std::string_view what, double times = 1) {
    double most = 0, apart = 0;
    for (std::int64_t r = 0; r < rows_; ++r)
      for (std::int64_t c = 0; c < cols_; ++c) {
        const double got = static_cast<double>(number_of(narrow_[at(r, c)]));
        most = std::max(most, std::abs(wide_[at(r, c)]));
        apart = std::isfinite(got) ? std::max(apart, std::abs(got - wide_[at(r, c)])) : HUGE_VAL;
      }
    BOOST_TEST(apart <= times * bf16_roundoff * std::max(most, 1e-3), what << ": " << apart << " apart, the largest is " << most);
    for (std::int64_t r = 0; r < rows_; ++r)
      for (std::int64_t c = cols_; c < stride_; ++c)
        BOOST_TEST(narrow_[at(r, c)].bits == guard.bits, what << ": written beside the matrix");
  }

private:
  static constexpr test::bf16 guard{0x4321};
  std::size_t at(std::int64_t r, std::int64_t c) const { return static_cast<std::size_t>(r * stride_ + c); }
  std::int64_t rows_, cols_, stride_;
  std::vector<test::bf16> narrow_;
  std::vector<double> wide_;
};

}  // namespace argosy::test

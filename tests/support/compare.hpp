// One matrix twice, float32 for the device under test and float64 for the reference, from the same numbers; and comparisons whose
// bounds are formulas of the rounding unit.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "kernels/tensor.hpp"

namespace argosy::test {

inline constexpr double unit_roundoff = 0x1.0p-24;  // of float32

// Fillers: the number at (element) of a matrix.
inline auto small_integers(std::uint32_t seed) {
  return [seed](std::int64_t i) { return static_cast<double>(random_bits({.seed = seed}, 1, static_cast<std::uint32_t>(i)) % 7) - 3; };
}
inline auto normals(std::uint32_t seed, double sigma = 1) {
  return [seed, sigma](std::int64_t i) { return sigma * random_normal({.seed = seed}, 2, static_cast<std::uint32_t>(i)); };
}
inline auto constant(double value) {
  return [value](std::int64_t) { return value; };
}

class twin {
public:
  // Rows lie `gap` elements apart, which must stay as they are.
  template <class Fill>
  twin(std::int64_t rows, std::int64_t cols, Fill fill, std::int64_t gap = 0) : rows_(rows), cols_(cols), stride_(cols + gap) {
    const auto all = static_cast<std::size_t>(rows * stride_);
    f32_.assign(all + 1, guard);
    f64_.assign(all + 1, static_cast<double>(guard));
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < cols; ++c) {
        f32_[at(r, c)] = static_cast<float>(fill(r * cols + c));
        f64_[at(r, c)] = static_cast<double>(f32_[at(r, c)]);
      }
  }

  view f32() { return {f32_.data(), dtype::f32, rows_, cols_, stride_}; }
  view f64() { return {f64_.data(), dtype::f64, rows_, cols_, stride_}; }
  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }

  double largest_value() const {
    double most = 0;
    for_each([&](std::int64_t r, std::int64_t c) { most = std::max(most, std::abs(f64_[at(r, c)])); });
    return most;
  }
  // NaN on one side only, or different infinities, count as infinitely far apart.
  double largest_difference() const {
    double most = 0;
    for_each([&](std::int64_t r, std::int64_t c) {
      const double a = static_cast<double>(f32_[at(r, c)]), b = f64_[at(r, c)];
      if (a == b) return;
      const double apart = std::abs(a - b);
      most = std::isfinite(apart) ? std::max(most, apart) : HUGE_VAL;
    });
    return most;
  }
  bool gaps_untouched() const {
    for (std::int64_t r = 0; r < rows_; ++r)
      for (std::int64_t c = cols_; c < stride_; ++c)
        if (f32_[at(r, c)] != guard) return false;
    return f32_.back() == guard;
  }
  const std::vector<float>& bits() const { return f32_; }

private:
  static constexpr float guard = -77777.f;
  std::size_t at(std::int64_t r, std::int64_t c) const { return static_cast<std::size_t>(r * stride_ + c); }
  template <class Body>
  void for_each(Body body) const {
    for (std::int64_t r = 0; r < rows_; ++r)
      for (std::int64_t c = 0; c < cols_; ++c) body(r, c);
  }

  std::int64_t rows_, cols_, stride_;
  std::vector<float> f32_;
  std::vector<double> f64_;
};

inline void check_near(std::string_view what, const twin& found, double tolerance) {
  BOOST_TEST(found.largest_difference() <= tolerance,
             what << ": " << found.largest_difference() << " apart, at most " << tolerance << " is rounding");
  BOOST_TEST(found.gaps_untouched(), what << ": written beside the matrix");
}
inline void check_equal(std::string_view what, const twin& found) { check_near(what, found, 0); }

}  // namespace argosy::test

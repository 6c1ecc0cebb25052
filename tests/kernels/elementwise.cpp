// Elementwise operators beside the reference, and the accuracy of the CPU's polynomials beside <cmath>.
#include "kernels/elementwise.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "kernels/cpu/vec.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/dropped_rows.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tested_device.hpp"

namespace argosy {
namespace {

using namespace test;

constexpr std::int64_t widths[] = {1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 100};

// Contiguous and strided, one row and many; beyond one piece of 16,384 elements too.
template <class Body>
void for_shapes(Body body) {
  for (const std::int64_t cols : widths)
    for (const std::int64_t gap : {0, 5}) body(5, cols, gap);
  body(1, 1, 0);
  body(300, 129, 0);
  body(300, 129, 1);
  body(0, 4, 0);
}

struct devices {
  std::unique_ptr<device> cpu = make_tested_device(2), reference = make_reference_device();
};

float first_of(cpu::vec x) { return x[0]; }

}  // namespace

BOOST_AUTO_TEST_SUITE(elementwise)

BOOST_AUTO_TEST_CASE(halves_are_exact) {
  // Every finite half, in rows that end within a vector; and a few whose value is known.
  std::vector<std::uint16_t> halves;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits)
    if ((bits & 0x7C00u) != 0x7C00u) halves.push_back(static_cast<std::uint16_t>(bits));
  const auto rows = static_cast<std::int64_t>(halves.size() / 31);
  for (const std::int64_t gap : {0, 3}) {
    const devices on;
    twin y(rows, 31, constant(1), gap);
    const std::span used(halves.data(), static_cast<std::size_t>(rows * 31));
    check_ok(from_halves(*on.cpu, used, y.f32()));
    check_ok(from_halves(*on.reference, used, y.f64()));
    check_equal("halves", y);
  }
  const std::vector<std::uint16_t> known{0x0001, 0x0400, 0x3C00, 0xBC01, 0x7BFF, 0x8000};
  const std::vector<float> want{0x1p-24f, 0x1p-14f, 1.f, -1.f - 0x1p-10f, 65504.f, 0.f};
  std::vector<float> got(known.size());
  check_ok(from_halves(*devices().cpu, known, view_of(got.data(), 1, std::ssize(got))));
  BOOST_TEST(got == want, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(exponential_is_accurate) {
  double worst = 0;
  for (double x = -87; x <= 88; x += 1.0 / 512) {
    const float in = static_cast<float>(x);
    worst = std::max(worst, std::abs(static_cast<double>(first_of(cpu::exp(cpu::splat(in)))) / std::exp(static_cast<double>(in)) - 1));
  }
  BOOST_TEST(worst < 2e-7);
  BOOST_TEST(first_of(cpu::exp(cpu::splat(-88.f))) == 0);
  BOOST_TEST(first_of(cpu::exp(cpu::splat(-HUGE_VALF))) == 0);
  BOOST_TEST(first_of(cpu::exp(cpu::splat(0.f))) == 1);
  BOOST_TEST(std::isfinite(first_of(cpu::exp(cpu::splat(1e30f)))));
  BOOST_TEST(std::isnan(first_of(cpu::exp(cpu::splat(NAN)))));
}

BOOST_AUTO_TEST_CASE(normal_distribution_is_accurate) {
  double worst = 0;
  for (double x = -9; x <= 9; x += 1.0 / 256) {
    const float in = static_cast<float>(x), e = static_cast<float>(std::exp(-.5 * static_cast<double>(in) * static_cast<double>(in)));
    const double want = .5 * std::erfc(-static_cast<double>(in) / std::sqrt(2.0));
    worst = std::max(worst, std::abs(static_cast<double>(first_of(cpu::normal_cdf(cpu::splat(in), cpu::splat(e)))) / want - 1));
  }
  BOOST_TEST(worst < 5e-7);
}

BOOST_AUTO_TEST_CASE(bias_and_gelu) {
  const devices on;
  for_shapes([&](std::int64_t rows, std::int64_t cols, std::int64_t gap) {
    twin x(rows, cols, normals(1, 3), gap), bias(1, cols, normals(2)), y(rows, cols, constant(9), gap), d_y(rows, cols, normals(3), gap);
    twin d_bias(1, cols, normals(4));
    require_ok(bias_gelu_forward(*on.cpu, x.f32(), bias.f32(), y.f32()));
    require_ok(bias_gelu_forward(*on.reference, x.f64(), bias.f64(), y.f64()));
    const double largest = x.largest_value() + bias.largest_value();
    check_near("gelu of a sum", y, 9 * unit_roundoff * largest);
    const double largest_d = d_y.largest_value();
    require_ok(bias_gelu_backward(*on.cpu, x.f32(), bias.f32(), d_y.f32(), d_y.f32(), d_bias.f32()));
    require_ok(bias_gelu_backward(*on.reference, x.f64(), bias.f64(), d_y.f64(), d_y.f64(), d_bias.f64()));
    // The slope changes by at most 0.8 for a change of its argument, which the sum rounds.
    check_near("gradient, in place", d_y, (17 + largest) * unit_roundoff * largest_d);
    check_near("gradient of the bias", d_bias,
               (20 + largest + static_cast<double>(rows)) * unit_roundoff * static_cast<double>(rows) * largest_d +
                   4 * unit_roundoff * d_bias.largest_value());
  });
}

BOOST_AUTO_TEST_CASE(addition_is_exact_on_integers) {
  const devices on;
  for_shapes([&](std::int64_t rows, std::int64_t cols, std::int64_t gap) {
    twin x(rows, cols, small_integers(1), gap), y(rows, cols, small_integers(2), gap);
    require_ok(add(*on.cpu, x.f32(), y.f32()));
    require_ok(add(*on.reference, x.f64(), y.f64()));
    check_equal("add", y);
  });
}

BOOST_AUTO_TEST_CASE(rows_are_scaled) {
  const devices on;
  for_shapes([&](std::int64_t rows, std::int64_t cols, std::int64_t gap) {
    twin x(rows, cols, small_integers(1), gap);
    std::vector<float> factor;
    for (std::int64_t r = 0; r < rows; ++r) factor.push_back(static_cast<float>(r % 5) - 2);
    require_ok(scale_rows(*on.cpu, factor, x.f32()));
    require_ok(scale_rows(*on.reference, factor, x.f64()));
    check_equal("scale_rows", x);
  });
}

BOOST_AUTO_TEST_CASE(bytes_become_numbers) {
  const devices on;
  for_shapes([&](std::int64_t rows, std::int64_t cols, std::int64_t gap) {
    std::vector<std::uint8_t> bytes;
    for (std::int64_t i = 0; i < rows * cols; ++i) bytes.push_back(static_cast<std::uint8_t>(i * 37));
    twin y(rows, cols, constant(9), gap);
    require_ok(from_bytes(*on.cpu, bytes, 1 / 127.5, -1, y.f32()));
    require_ok(from_bytes(*on.reference, bytes, 1 / 127.5, -1, y.f64()));
    check_near("from_bytes", y, 4 * unit_roundoff);  // of 255 / 127.5 = 2, and of the factor
  });
}

BOOST_AUTO_TEST_CASE(dropout_masks_are_those_of_the_reference) {
  const devices on;
  for (const double rate : {0., .1, .5, .9, .99})
    for_shapes([&](std::int64_t rows, std::int64_t cols, std::int64_t gap) {
      twin x(rows, cols, normals(1), gap);
      const dropped_rows draws(rows);
      const dropout_input in = draws.at(rate);
      require_ok(dropout(*on.cpu, in, x.f32()));
      require_ok(dropout(*on.reference, in, x.f64()));
      check_near("dropout", x, 2 * unit_roundoff * x.largest_value());
    });
}

BOOST_AUTO_TEST_CASE(cleared_without_touching_the_gaps) {
  const devices on;
  for_shapes([&](std::int64_t rows, std::int64_t cols, std::int64_t gap) {
    twin x(rows, cols, normals(1), gap);
    on.cpu->zero(x.f32());
    on.reference->zero(x.f64());
    check_equal("zero", x);
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

// Linear maps by 8-bit factors on CUDA beside the reference.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <memory>
#include <span>

#include "kernels/linear.hpp"
#include "kernels/transfer.hpp"
#include "tests/support/bf16_rows.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tested_device.hpp"

namespace argosy {
namespace {

using namespace test;

struct devices {
  std::unique_ptr<device> cuda = make_tested_device(1, compute::fp8), reference = make_reference_device();
};

// One map with its numbers on both sides.
struct map_of {
  template <class Rows, class Weights>
  map_of(std::int64_t n, std::int64_t i, std::int64_t o, Rows of_rows, Weights of_weights, std::int64_t gap = 0)
      : x(n, i, of_rows(1), gap),
        y(n, o, constant(9), gap),
        d_y(n, o, of_rows(2), gap),
        d_x(n, i, of_rows(3), gap),
        weight(o, i, of_weights(4)),
        bias(1, o, of_weights(5)),
        d_weight(o, i, constant(1)),
        d_bias(1, o, constant(1)) {}

  void run(const devices& on, bool add) {
    const linear_input narrow{x.bf16(), weight.f32(), bias.f32()}, wide{x.f64(), weight.f64(), bias.f64()};
    require_ok(linear_forward(*on.cuda, narrow, y.bf16()));
    require_ok(linear_forward(*on.reference, wide, y.f64()));
    require_ok(linear_backward(*on.cuda, narrow, d_y.bf16(), {d_x.bf16(), add, d_weight.f32(), d_bias.f32()}));
    require_ok(linear_backward(*on.reference, wide, d_y.f64(), {d_x.f64(), add, d_weight.f64(), d_bias.f64()}));
  }

  rows x, y, d_y, d_x;
  twin weight, bias, d_weight, d_bias;
};

BOOST_AUTO_TEST_SUITE(cuda_fp8)

// Small integers are numbers of e4m3 and of e5m2, and scales are powers of two: nothing is rounded but the results.
BOOST_AUTO_TEST_CASE(what_8_bits_hold_is_multiplied_exactly) {
  const devices on;
  for (const auto& [n, i, o] : {std::tuple{1, 16, 16}, {5, 16, 32}, {64, 128, 144}, {65, 144, 48}, {130, 272, 80}})
    for (const bool add : {false, true})
      for (const std::int64_t gap : {0, 8}) {
        map_of m(
            n, i, o, [](auto seed) { return small_integers(seed); }, [](auto seed) { return small_integers(seed); }, gap);
        m.run(on, add);
        m.y.check("y");
        m.d_x.check("d_x");
        check_near("d_weight", m.d_weight, 1e-9);
        check_near("d_bias", m.d_bias, 1e-9);
      }
}

// Three digits of e4m3 and two of e5m2: results are off by some hundredths, more than bfloat16 is.
BOOST_AUTO_TEST_CASE(what_they_do_not_hold_is_rounded) {
  const devices on;
  map_of m(
      96, 256, 128, [](auto seed) { return normals(seed); }, [](auto seed) { return normals(seed, .05); });
  m.run(on, false);
  for (const auto& [what, of, most] : {std::tuple{"y", &m.y, .05}, {"d_x", &m.d_x, .09}}) {
    BOOST_TEST(of->relative_error() < most, what << ": " << of->relative_error());
    BOOST_TEST(of->relative_error() > .01, what << ": " << of->relative_error());
  }
}

// Whatever its size: the first matrix is measured, and later ones are rounded by the scale of those before.
BOOST_AUTO_TEST_CASE(scales_are_those_of_past_matrices) {
  const devices on;
  // A map keeps its scales by the address of its weight.
  tensor small = tensor::make(*on.cuda, 32, 64).value(), large = tensor::make(*on.cuda, 32, 64).value();
  const auto apart_of = [&](double size, tensor& weight) {
    map_of m(
        16, 64, 32, [size](auto seed) { return normals(seed, size); }, [](auto seed) { return normals(seed); });
    require_ok(upload(*on.cuda, std::span<const float>(m.weight.f32().as<float>(), 32 * 64), weight));
    require_ok(linear_forward(*on.cuda, {m.x.bf16(), weight, {}}, m.y.bf16()));
    require_ok(linear_forward(*on.reference, {m.x.f64(), m.weight.f64(), {}}, m.y.f64()));
    return m.y.relative_error();
  };
  BOOST_TEST(apart_of(1e-6, small) < .05);
  BOOST_TEST(apart_of(1e6, large) < .05);
  // Ten thousand times the numbers: cut off once, then known; and still in range 15 matrices after they went.
  BOOST_TEST(apart_of(1e-2, small) > .5);
  BOOST_TEST(apart_of(1e-2, small) < .05);
  for (int i = 0; i < 15; ++i) apart_of(1e-6, small);
  BOOST_TEST(apart_of(1e-6, small) > .05);
  BOOST_TEST(apart_of(1e-6, small) < .05);
}

BOOST_AUTO_TEST_CASE(what_is_not_finite_stays_so) {
  const devices on;
  for (const double wrong : {HUGE_VAL, -HUGE_VAL, std::numeric_limits<double>::quiet_NaN()}) {
    const auto with_one = [wrong](auto seed) {
      return [wrong, draw = small_integers(seed)](std::int64_t k) { return k == 3 ? wrong : draw(k); };
    };
    map_of m(16, 16, 16, with_one, [](auto seed) { return small_integers(seed); });
    m.run(on, false);
    BOOST_TEST(!std::isfinite(m.d_weight.f32().as<float>()[3 * 16]));
  }
}

// Sizes that are no multiple of 16, rows that begin at no 16 bytes and products of float32 go the way of bfloat16.
BOOST_AUTO_TEST_CASE(what_does_not_fit_is_not_rounded_to_8_bits) {
  const devices on;
  for (const auto& [i, o, gap] : {std::tuple{24, 16, 0}, {16, 24, 0}, {32, 32, 3}}) {
    map_of m(
        33, i, o, [](auto seed) { return normals(seed); }, [](auto seed) { return small_integers(seed); }, gap);
    m.run(on, false);
    m.y.check("y");
    m.d_x.check("d_x", 1.5);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy

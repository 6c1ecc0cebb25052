// The affine map beside the reference.
#include "kernels/linear.hpp"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "kernels/cpu/bfloat16.hpp"
#include "kernels/cpu/product.hpp"
#include "kernels/cpu/tile_product.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tested_device.hpp"

namespace argosy {
namespace {

using namespace test;

struct linear_case {
  std::int64_t rows, inputs, outputs, gap = 0;
  bool biased = true, add_to_d_x = false;
};

// A sum of k products of |a| and |b| at most, whatever its order: at most k + 2 roundings of sums that never pass k |a| |b|.
double sum_tolerance(std::int64_t k, double a, double b) {
  return unit_roundoff * static_cast<double>(k + 2) * (static_cast<double>(k) * a * b + 4);
}

template <class Fill>
void compare(const linear_case& c, Fill fill, bool exact, compute how = compute::float32) {
  const auto device = make_tested_device(2, how);
  const auto reference = make_reference_device();
  const auto [n, i, o] = std::tuple(c.rows, c.inputs, c.outputs);
  twin x(n, i, fill(1), c.gap), weight(o, i, fill(2)), bias(1, c.biased ? o : 0, fill(3)), y(n, o, fill(4), c.gap);
  twin d_y(n, o, fill(5), c.gap), d_x(n, i, fill(6), c.gap), d_weight(o, i, fill(7)), d_bias(1, o, fill(8));
  const linear_input on_cpu{x.f32(), weight.f32(), bias.f32()}, on_reference{x.f64(), weight.f64(), bias.f64()};
  require_ok(linear_forward(*device, on_cpu, y.f32()));
  require_ok(linear_forward(*reference, on_reference, y.f64()));
  require_ok(linear_backward(*device, on_cpu, d_y.f32(), {d_x.f32(), c.add_to_d_x, d_weight.f32(), d_bias.f32()}));
  require_ok(linear_backward(*reference, on_reference, d_y.f64(), {d_x.f64(), c.add_to_d_x, d_weight.f64(), d_bias.f64()}));

  const std::string name = std::to_string(n) + " x " + std::to_string(i) + " to " + std::to_string(o) + ": ";
  const auto tolerance = [&](std::int64_t k, const twin& a, const twin& b) {
    return exact ? 0 : sum_tolerance(k, a.largest_value(), b.largest_value());
  };
  check_near(name + "y", y, tolerance(i, x, weight));
  check_near(name + "d_x", d_x, tolerance(o, d_y, weight));
  check_near(name + "d_weight", d_weight, tolerance(n, d_y, x));
  check_near(name + "d_bias", d_bias, exact ? 0 : sum_tolerance(n, d_y.largest_value(), 1));
}

const auto integers = [](std::uint32_t seed) { return small_integers(seed); };
const auto reals = [](std::uint32_t seed) { return normals(seed); };
// Factors that bfloat16 holds: rounding them once more changes nothing, so products are those of float32 up to the order of sums.
const auto halves = [](std::uint32_t seed) {
  return [fill = normals(seed)](std::int64_t i) { return static_cast<double>(cpu::round_to_bfloat16(static_cast<float>(fill(i)))); };
};

}  // namespace

BOOST_AUTO_TEST_SUITE(linear)

BOOST_AUTO_TEST_CASE(small_integers_come_out_exactly) {
  for (const std::int64_t n : {1, 7, 8, 9, 63, 64, 65, 130})
    for (const std::int64_t o : {1, 15, 16, 17, 33}) compare({n, 2 * o - 1, o}, integers, true);
}

BOOST_AUTO_TEST_CASE(real_numbers) {
  for (const std::int64_t n : {1, 5, 48, 257}) compare({n, 40, 23}, reals, false);
}

BOOST_AUTO_TEST_CASE(rows_with_gaps) { compare({37, 12, 20, 5}, integers, true); }

// Strides that clash in the cache: both factors, either, with ragged blocks of 256 rows, as slices of wider rows.
BOOST_AUTO_TEST_CASE(strides_of_a_kibibyte) {
  for (const std::int64_t n : {255, 256, 257, 600}) {
    compare({n, 256, 256}, integers, true);
    compare({n, 256, 9}, integers, true);
    compare({n, 9, 256}, integers, true);
  }
  compare({300, 240, 250, 16}, integers, true);
}

BOOST_AUTO_TEST_CASE(without_bias) { compare({9, 8, 7, 0, false}, integers, true); }

BOOST_AUTO_TEST_CASE(added_to_the_gradient_of_the_input) { compare({9, 8, 7, 3, true, true}, integers, true); }

BOOST_AUTO_TEST_CASE(no_rows) { compare({0, 8, 7}, integers, true); }

// More rows than blocks of the sum over rows, and more columns than its strip of 64.
BOOST_AUTO_TEST_CASE(sums_over_many_rows) { compare({4200, 3, 70}, integers, true); }

BOOST_AUTO_TEST_CASE(only_the_wanted_gradients) {
  const auto device = make_tested_device(1);
  twin x(4, 3, small_integers(1)), weight(2, 3, small_integers(2)), d_y(4, 2, constant(1)), d_bias(1, 2, constant(10));
  require_ok(linear_backward(*device, {x.f32(), weight.f32(), {}}, d_y.f32(), {{}, false, {}, d_bias.f32()}));
  BOOST_TEST(d_bias.f32().as<float>()[0] == 14);
  BOOST_TEST(d_bias.f32().as<float>()[1] == 14);
}

BOOST_AUTO_TEST_CASE(rounding_to_bfloat16) {
  const auto rounded = [](float x) { return cpu::round_to_bfloat16(x); };
  BOOST_TEST(rounded(1.f) == 1.f);
  BOOST_TEST(rounded(-3.140625f) == -3.140625f);
  BOOST_TEST(rounded(1.f + 0x1p-8f) == 1.f);                       // halfway, to the even one below
  BOOST_TEST(rounded(1.f + 3 * 0x1p-8f) == 1.f + 0x1p-6f);         // halfway, to the even one above
  BOOST_TEST(rounded(1.f + 0x1p-8f + 0x1p-20f) == 1.f + 0x1p-7f);  // above halfway
  BOOST_TEST(rounded(0x1p-133f) == 0x1p-133f);                     // subnormal
  BOOST_TEST(rounded(-0.f) == 0.f);
  BOOST_TEST(std::signbit(rounded(-0.f)));
  BOOST_TEST(rounded(std::numeric_limits<float>::max()) == HUGE_VALF);
  BOOST_TEST(rounded(-HUGE_VALF) == -HUGE_VALF);
  BOOST_TEST(std::isnan(rounded(NAN)));
  BOOST_TEST(std::isnan(rounded(std::bit_cast<float>(0x7F800001u))));  // its payload is in the half that is dropped
  for (std::uint32_t bits = 0; bits < 0x10000u; ++bits) {
    const float held = std::bit_cast<float>(bits << 16);
    if (!std::isnan(held)) BOOST_REQUIRE(cpu::to_bfloat16(held) == bits);
  }
}

BOOST_AUTO_TEST_CASE(products_of_bfloat16) {
  if (!cpu_multiplies_bfloat16())
    BOOST_TEST_MESSAGE("skipped: products of bfloat16, which this processor lacks; rounded factors are tested");
  for (const std::int64_t n : {1, 7, 64, 257}) {
    compare({n, 40, 23, 5}, integers, true, compute::bfloat16);
    compare({n, 40, 23}, halves, false, compute::bfloat16);
    compare({n, 256, 256, 0, false, true}, halves, false, compute::bfloat16);
  }
  compare({0, 8, 7}, integers, true, compute::bfloat16);
  compare({530, 1600, 70}, integers, true, compute::bfloat16);  // several pieces of the inner letter, several blocks of rows
  compare({900, 70, 1600, 3, true, true}, integers, true, compute::bfloat16);
}

// What processors without tiles compute, wherever this runs: oneDNN's product of bfloat16, or float32's of rounded factors.
BOOST_AUTO_TEST_CASE(products_of_bfloat16_without_tiles) {
  for (const bool add : {false, true}) {
    const std::int64_t m = 37, n = 21, k = 40;
    twin a(m, k, integers(1), 3), b(k, n, integers(2)), b_transposed(n, k, integers(3), 5), c(m, n, integers(4)), d(m, n, integers(4), 2);
    std::vector<float> scratch(static_cast<std::size_t>(cpu::bfloat16_product_floats(a.f32(), b.f32()) +
                                                        cpu::bfloat16_product_floats(a.f32(), b_transposed.f32())));
    require_ok(cpu::multiply_bfloat16(2, {a.f32()}, {b.f32()}, add, c.f32(), scratch.data()));
    require_ok(cpu::multiply_bfloat16(2, {a.f32()}, {b_transposed.f32(), true}, add, d.f32(), scratch.data()));
    const auto number = [](const_view x, std::int64_t row, std::int64_t col) { return x.row<double>(row)[col]; };
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        double plain = add ? number(c.f64(), i, j) : 0, other = add ? number(d.f64(), i, j) : 0;
        for (std::int64_t l = 0; l < k; ++l) {
          plain += number(a.f64(), i, l) * number(b.f64(), l, j);
          other += number(a.f64(), i, l) * number(b_transposed.f64(), j, l);
        }
        BOOST_REQUIRE(static_cast<double>(c.f32().row<float>(i)[j]) == plain);
        BOOST_REQUIRE(static_cast<double>(d.f32().row<float>(i)[j]) == other);
      }
  }
}

BOOST_AUTO_TEST_CASE(products_on_tiles_do_not_depend_on_threads) {
  if (!cpu::has_tiles()) {
    BOOST_TEST_MESSAGE("skipped: this processor has no tiles");
    return;
  }
  std::vector<float> first;
  for (const int threads : {1, 2, 3}) {
    const auto device = make_cpu_device(threads, compute::bfloat16);
    twin x(333, 900, normals(1)), weight(75, 900, normals(2)), bias(1, 75, normals(3)), y(333, 75, constant(0)),
        d_weight(75, 900, constant(0));
    require_ok(linear_forward(*device, {x.f32(), weight.f32(), bias.f32()}, y.f32()));
    require_ok(linear_backward(*device, {x.f32(), weight.f32(), {}}, y.f32(), {{}, false, d_weight.f32(), {}}));
    std::vector<float> all(y.f32().as<float>(), y.f32().as<float>() + 333 * 75);
    all.insert(all.end(), d_weight.f32().as<float>(), d_weight.f32().as<float>() + 75 * 900);
    if (first.empty()) first = all;
    BOOST_TEST((std::memcmp(first.data(), all.data(), all.size() * sizeof(float)) == 0), threads << " threads");
  }
}

// The product of two numbers between those that bfloat16 holds; its sum with the bias is not rounded to bfloat16.
BOOST_AUTO_TEST_CASE(bfloat16_rounds_both_factors_and_nothing_else) {
  const auto device = make_cpu_device(1, compute::bfloat16);
  twin x(1, 1, constant(1 + 0x1p-12)), weight(1, 1, constant(3 - 0x1p-12)), bias(1, 1, constant(0x1p-10)), y(1, 1, constant(0));
  require_ok(linear_forward(*device, {x.f32(), weight.f32(), bias.f32()}, y.f32()));
  BOOST_TEST(*y.f32().as<float>() == 3 + 0x1p-10f);
}

BOOST_AUTO_TEST_CASE(products_are_counted) {
  const auto device = make_tested_device(1);
  twin x(4, 3, small_integers(1)), weight(2, 3, small_integers(2)), y(4, 2, constant(0));
  const double before = executed_product_flops();
  require_ok(linear_forward(*device, {x.f32(), weight.f32(), {}}, y.f32()));
  BOOST_TEST(executed_product_flops() - before == 2 * 4 * 3 * 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

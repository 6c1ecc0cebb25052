// Sums beside the reference, and numbers on their way between host and device.
#include <boost/test/unit_test.hpp>
#include <vector>

#include "kernels/adamw.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/transfer.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tested_device.hpp"

namespace argosy {
namespace {

using namespace test;

struct devices {
  std::unique_ptr<device> cpu = make_tested_device(2), reference = make_reference_device();
};

}  // namespace

BOOST_AUTO_TEST_SUITE(totals)

BOOST_AUTO_TEST_CASE(sums_of_integers_are_exact_and_added) {
  const devices on;
  for (const std::int64_t cols : {0, 1, 9, 16384, 16385, 40000})
    for (const std::int64_t gap : {0, 7}) {
      twin x(3, cols, small_integers(1), gap), total(1, 1, constant(5)), squares(1, 1, constant(5));
      require_ok(add_total(*on.cpu, x.f32(), -.5, total.f32()));
      require_ok(add_total(*on.reference, x.f64(), -.5, total.f64()));
      require_ok(add_squares(*on.cpu, x.f32(), squares.f32()));
      require_ok(add_squares(*on.reference, x.f64(), squares.f64()));
      check_equal("total", total);
      check_equal("squares", squares);
    }
}

// One large term and a thousand that a sum in float32 would lose one by one.
BOOST_AUTO_TEST_CASE(terms_are_summed_in_double) {
  const devices on;
  const auto one_large = [](double large) { return [large](std::int64_t i) { return i == 0 ? large : 1; }; };
  twin x(1, 1001, one_large(0x1p24)), root(1, 1001, one_large(0x1p12)), total(1, 1, constant(0)), squares(1, 1, constant(0));
  require_ok(add_total(*on.cpu, x.f32(), 1, total.f32()));
  require_ok(add_squares(*on.cpu, root.f32(), squares.f32()));
  BOOST_TEST(*total.f32().as<float>() == 0x1p24f + 1000);
  BOOST_TEST(*squares.f32().as<float>() == 0x1p24f + 1000);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(transfer)

BOOST_AUTO_TEST_CASE(numbers_go_up_and_come_back_row_after_row) {
  const devices on;
  for (const std::int64_t gap : {0, 3})
    for (const std::int64_t rows : {0, 1, 4}) {
      std::vector<double> wide;
      for (std::int64_t i = 0; i < rows * 5; ++i) wide.push_back(static_cast<double>(i) - 2.5);
      const std::vector<float> narrow(wide.begin(), wide.end());
      twin from_wide(rows, 5, constant(9), gap), from_narrow(rows, 5, constant(9), gap);
      require_ok(upload(*on.cpu, wide, from_wide.f32()));
      require_ok(upload(*on.reference, wide, from_wide.f64()));
      require_ok(upload(*on.cpu, narrow, from_narrow.f32()));
      require_ok(upload(*on.reference, narrow, from_narrow.f64()));
      for (twin* each : {&from_wide, &from_narrow}) {
        check_equal("uploaded", *each);
        BOOST_TEST(numbers_of(*on.cpu, each->f32()).value() == wide, boost::test_tools::per_element());
        BOOST_TEST(numbers_of(*on.reference, each->f64()).value() == wide, boost::test_tools::per_element());
        BOOST_TEST(floats_of(*on.cpu, each->f32()).value() == narrow, boost::test_tools::per_element());
        BOOST_TEST(floats_of(*on.reference, each->f64()).value() == narrow, boost::test_tools::per_element());
      }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

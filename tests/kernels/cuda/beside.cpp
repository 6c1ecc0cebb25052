// Work beside a device's own: what order its marks make, and that both are in the same memory.
#include <boost/test/unit_test.hpp>
#include <thread>
#include <vector>

#include "kernels/elementwise.hpp"
#include "kernels/rows.hpp"
#include "kernels/transfer.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tested_device.hpp"

namespace argosy {

using namespace test;

BOOST_AUTO_TEST_SUITE(beside)

// On a GPU the additions are queued when the mark is set; without the wait the copy would be of a sum on its way.
BOOST_AUTO_TEST_CASE(what_was_asked_for_before_a_mark_is_done_after_the_wait_for_it) {
  constexpr std::int64_t numbers = 1 << 16;
  constexpr int times = 40;
  const auto on = make_tested_device(1);
  auto ones = tensor::make(*on, 1, numbers).value(), sum = tensor::make(*on, 1, numbers).value(),
       copy = tensor::make(*on, 1, numbers).value();
  require_ok(upload(*on, std::vector<double>(numbers, 1), ones));
  for (int i = 0; i < times; ++i) require_ok(add(*on, ones, sum));
  const auto mark = on->mark().value();
  device* const other = on->beside().value();
  BOOST_TEST_REQUIRE(other != nullptr);
  std::jthread([&] {
    require_ok(mark->wait());
    require_ok(move_rows(*other, {sum, {}, {}, false}, copy));
    require_ok(other->wait());
  }).join();
  BOOST_TEST(numbers_of(*on, copy).value() == std::vector<double>(numbers, times), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_device_has_one_beside_it_and_that_one_its_own_stream) {
  const auto on = make_tested_device(1);
  device* const other = on->beside().value();
  BOOST_TEST(on->beside().value() == other);
  auto made = tensor::make(*other, 1, 3).value();
  require_ok(upload(*other, std::vector<double>{1, 2, 3}, made));
  BOOST_TEST(numbers_of(*on, made).value() == (std::vector<double>{1, 2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

#include "base/random.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

namespace {

using argosy::philox_block;

void generates(philox_block counter, std::uint64_t key, philox_block want) {
  BOOST_TEST(argosy::philox(key, counter) == want, boost::test_tools::per_element());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(random_numbers)

// The known answers of the generator's authors (Random123, kat_vectors).
BOOST_AUTO_TEST_CASE(philox_known_answers) {
  generates({0, 0, 0, 0}, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  generates({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffffffffffff, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  generates({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

BOOST_AUTO_TEST_CASE(uniform_numbers_lie_in_their_interval_and_spread) {
  double sum = 0;
  for (std::uint32_t i = 0; i < 20000; ++i) {
    const auto x = static_cast<double>(argosy::random_uniform({7, 1, 2}, 3, i));
    BOOST_REQUIRE(x >= 0.0);
    BOOST_REQUIRE(x < 1.0);
    sum += x;
  }
  BOOST_TEST(std::abs(sum / 20000 - .5) < 5 * std::sqrt(1.0 / 12 / 20000));  // five standard errors
}

BOOST_AUTO_TEST_CASE(normal_numbers_have_mean_zero_and_variance_one) {
  constexpr int n = 20000;
  double sum = 0, squares = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    const double x = argosy::random_normal({7, 1, 2}, 3, i);
    sum += x;
    squares += x * x;
  }
  BOOST_TEST(std::abs(sum / n) < 5 / std::sqrt(double{n}));
  BOOST_TEST(std::abs(squares / n - 1) < 5 * std::sqrt(2.0 / n));
}

BOOST_AUTO_TEST_CASE(every_part_of_the_key_matters) {
  const auto base = argosy::random_bits({1, 2, 3}, 4, 5);
  BOOST_TEST(base == argosy::random_bits({1, 2, 3}, 4, 5));
  BOOST_TEST(base != argosy::random_bits({9, 2, 3}, 4, 5));
  BOOST_TEST(base != argosy::random_bits({1, 9, 3}, 4, 5));
  BOOST_TEST(base != argosy::random_bits({1, 2, 9}, 4, 5));
  BOOST_TEST(base != argosy::random_bits({1, 2, 3}, 9, 5));
  BOOST_TEST(base != argosy::random_bits({1, 2, 3}, 4, 9));
}

BOOST_AUTO_TEST_SUITE_END()

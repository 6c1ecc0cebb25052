#include "index/bootstrap.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "base/random.hpp"

namespace argosy {
namespace {

constexpr std::size_t resamples = 4000;

std::vector<double> normal_sample(std::size_t size, std::uint32_t number) {
  std::vector<double> values(size);
  for (std::size_t i = 0; i < size; ++i)
    values[i] = random_normal({.seed = 5, .step = number, .site = 1}, 0, static_cast<std::uint32_t>(i));
  return values;
}

// Half of the 95 % interval of a mean by the normal law.
double half_width(const std::vector<double>& values) {
  double sum = 0, squares = 0;
  for (const double v : values) sum += v, squares += v * v;
  const auto n = static_cast<double>(values.size());
  return 1.959964 * std::sqrt((squares / n - sum / n * (sum / n)) / n);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bootstrap)

BOOST_AUTO_TEST_CASE(equal_differences_leave_no_doubt) {
  const std::vector<double> same(37, 0.25);
  const interval found = paired_bootstrap(same, resamples, 1);
  BOOST_TEST(found.mean == 0.25);
  BOOST_TEST(found.low == 0.25);
  BOOST_TEST(found.high == 0.25);
}

// The mean of a resample of n signs has standard deviation 1 / sqrt(n); the interval moves by steps of 2 / n.
BOOST_AUTO_TEST_CASE(as_many_wins_as_losses_lie_around_zero) {
  std::vector<double> signs(400);
  for (std::size_t i = 0; i < signs.size(); ++i) signs[i] = i % 2 == 0 ? 1 : -1;
  const interval found = paired_bootstrap(signs, resamples, 1);
  BOOST_TEST(found.mean == 0);
  BOOST_TEST(std::abs(found.low + 0.098) <= 0.01);
  BOOST_TEST(std::abs(found.high - 0.098) <= 0.01);
}

// The percentile of 4,000 resamples has a standard error of about 2.7 % of the half width; three of them.
BOOST_AUTO_TEST_CASE(a_normal_sample_gives_the_width_of_the_closed_form) {
  const auto sample = normal_sample(501, 0);
  const double half = half_width(sample);
  const interval found = paired_bootstrap(sample, resamples, 1);
  BOOST_TEST(std::abs(found.high - found.mean - half) <= 0.08 * half);
  BOOST_TEST(std::abs(found.mean - found.low - half) <= 0.08 * half);
}

// 300 samples: the share that holds the true mean has standard deviation 1.3 % at 95 %; the bootstrap of 60 values covers about 94 %.
BOOST_AUTO_TEST_CASE(nineteen_of_twenty_intervals_hold_the_true_mean) {
  std::size_t holding = 0;
  for (std::uint32_t number = 0; number < 300; ++number) {
    const interval found = paired_bootstrap(normal_sample(60, number), 400, number);
    holding += found.low <= 0 && 0 <= found.high ? 1 : 0;
  }
  BOOST_TEST(holding >= 270u);
  BOOST_TEST(holding <= 297u);
}

BOOST_AUTO_TEST_CASE(the_seed_decides_every_bit) {
  const auto sample = normal_sample(50, 3);
  const interval once = paired_bootstrap(sample, 200, 9), again = paired_bootstrap(sample, 200, 9),
                 other = paired_bootstrap(sample, 200, 10);
  BOOST_TEST(once.low == again.low);
  BOOST_TEST(once.high == again.high);
  BOOST_TEST((once.low != other.low || once.high != other.high));
}

BOOST_AUTO_TEST_CASE(one_difference_is_its_own_interval) {
  const interval found = paired_bootstrap(std::vector<double>{-0.5}, 10, 1);
  BOOST_TEST(found.low == -0.5);
  BOOST_TEST(found.high == -0.5);
}

BOOST_AUTO_TEST_CASE(one_resample_is_both_ends) {
  const interval found = paired_bootstrap(std::vector<double>{1, 2, 3}, 1, 1);
  BOOST_TEST(found.low == found.high);
}

BOOST_AUTO_TEST_CASE(nothing_to_average_is_not_a_number) {
  const interval empty = paired_bootstrap({}, resamples, 1);
  BOOST_TEST(std::isnan(empty.mean));
  BOOST_TEST(std::isnan(empty.low));
  BOOST_TEST(std::isnan(empty.high));
  const interval unsampled = paired_bootstrap(std::vector<double>{1, 3}, 0, 1);
  BOOST_TEST(unsampled.mean == 2);
  BOOST_TEST(std::isnan(unsampled.low));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

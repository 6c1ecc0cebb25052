#include "cluster/serving_simulation.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/cluster/same_log.hpp"

namespace argosy {
namespace {

BOOST_AUTO_TEST_SUITE(serving_simulations)

BOOST_AUTO_TEST_CASE(hundred_and_twenty_seeds_hold) {
  service_figures sum;
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    const auto lived = simulate_serving(seed, {});
    BOOST_REQUIRE_MESSAGE(lived.ok(), lived.failure().text());
    sum.partial += lived->partial;
    sum.refused += lived->refused;
    sum.had_to_be_whole += lived->had_to_be_whole;
    sum.instead += lived->instead;
    sum.kills += lived->kills;
  }
  BOOST_TEST(sum.kills > 300u);
  BOOST_TEST(sum.partial > 1000u);
  BOOST_TEST(sum.refused > 100u);
  BOOST_TEST(sum.instead > 1000u);
  BOOST_TEST(sum.had_to_be_whole > 5000u);
}

BOOST_AUTO_TEST_CASE(a_seed_gives_the_same_log_every_time) {
  test::check_same_log([](std::uint64_t seed, const simulation_log& log) { return simulate_serving(seed, {}, log); });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy

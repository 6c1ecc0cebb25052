#include "cluster/simulation.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

namespace argosy {
namespace {

BOOST_AUTO_TEST_SUITE(simulations)

BOOST_AUTO_TEST_CASE(hundred_and_twenty_seeds_hold) {
  std::uint64_t kills = 0, taken_back = 0, coordinators = 0;
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    const auto lived = simulate(seed, {});
    BOOST_REQUIRE_MESSAGE(lived.ok(), lived.failure().text());
    kills += lived->kills;
    taken_back += lived->taken_back;
    coordinators += lived->coordinators;
  }
  BOOST_TEST(kills > 500u);
  BOOST_TEST(taken_back > 0u);
  BOOST_TEST(coordinators > 200u);
}

// The first four broke without the rule that a group in which everybody waits forms anew, a hole that a seed had shown; the others when, as a trial,
// nodes with as many steps of another group were not fed.
BOOST_AUTO_TEST_CASE(seeds_that_broke_hold) {
  for (const std::uint64_t seed : {49, 143, 148, 190, 102, 103}) {
    const auto lived = simulate(seed, {});
    BOOST_TEST(lived.ok(), lived.failure().text());
  }
}

BOOST_AUTO_TEST_CASE(a_seed_gives_the_same_log_every_time) {
  const auto log_of = [](std::uint64_t seed) {
    std::string log;
    const auto lived = simulate(seed, {}, [&](const std::string& line) { log += line + '\n'; });
    BOOST_REQUIRE_MESSAGE(lived.ok(), lived.failure().text());
    return std::pair(log, lived->digest);
  };
  const auto first = log_of(7);
  BOOST_TEST(first.first.size() > 1000u);
  BOOST_TEST((first == log_of(7)));
  BOOST_TEST((first.second != log_of(8).second));
}

BOOST_AUTO_TEST_CASE(without_faults_one_group_does_every_step_once) {
  for (const int nodes : {1, 2, 5}) {
    const auto lived = simulate(3, {.nodes = nodes, .steps = 60, .quiet = true});
    BOOST_REQUIRE_MESSAGE(lived.ok(), lived.failure().text());
    BOOST_TEST(lived->groups == 1u);
    BOOST_TEST(lived->trained == 60u * static_cast<unsigned>(nodes));
    BOOST_TEST(lived->taken_back == 0u);
    BOOST_TEST(lived->checkpoints == 3u);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy

#include "cluster/simulation.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/cluster/same_log.hpp"

namespace argosy {
namespace {

BOOST_AUTO_TEST_SUITE(simulations)

BOOST_AUTO_TEST_CASE(hundred_and_twenty_seeds_hold) {
  std::uint64_t kills = 0, power_losses = 0, taken_back = 0, coordinators = 0, refused = 0, restored = 0;
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    const auto lived = simulate(seed, {});
    BOOST_REQUIRE_MESSAGE(lived.ok(), lived.failure().text());
    kills += lived->kills;
    taken_back += lived->taken_back;
    coordinators += lived->coordinators;
    power_losses += lived->power_losses;
    refused += lived->refused;
    restored += lived->restored;
  }
  BOOST_TEST(kills > 500u);
  BOOST_TEST(power_losses > 100u);
  BOOST_TEST(refused > 20u);
  BOOST_TEST(restored > 5u);
  BOOST_TEST(taken_back > 0u);
  BOOST_TEST(coordinators > 200u);
}

BOOST_AUTO_TEST_CASE(sixty_seeds_of_moments_in_shards_hold) {
  std::uint64_t kills = 0, groups = 0, restored = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const auto lived = simulate(seed, {.shard_moments = true});
    BOOST_REQUIRE_MESSAGE(lived.ok(), lived.failure().text());
    kills += lived->kills;
    groups += lived->groups;
    restored += lived->restored;
  }
  BOOST_TEST(kills > 250u);
  BOOST_TEST(groups > 10 * restored);  // from whoever is left, and not from a checkpoint
}

// Holes in the real code that seeds have shown, and which these break when the mend is taken out: a node came back with products of steps that were
// taken back in its bank (17, 20); a node that was fed kept a shared bank without the products of the steps it was not there for (3); a ledger of whose last record the power's loss had left zeros was refused (7); the folder of the checkpoints was
// not in the run's once the machine had lost its power (48, 55: taken out of the simulation's copy of what model/checkpoint does).
BOOST_AUTO_TEST_CASE(seeds_that_broke_hold) {
  for (const std::uint64_t seed : {17, 20, 3, 7, 48, 55}) {
    const auto lived = simulate(seed, {});
    BOOST_TEST(lived.ok(), lived.failure().text());
  }
}

// A node ahead of the last step of which all shards were there kept its bank, with products of the steps that were taken back.
BOOST_AUTO_TEST_CASE(seeds_that_broke_with_shards_hold) {
  for (const std::uint64_t seed : {722, 768, 966}) {
    const auto lived = simulate(seed, {.shard_moments = true});
    BOOST_TEST(lived.ok(), lived.failure().text());
  }
}

// Without a checkpoint: a node that was fed in part when its source died, and then was alone, went on with that.
BOOST_AUTO_TEST_CASE(a_replica_that_was_fed_in_part_is_made_anew) {
  for (const std::uint64_t seed : {206, 295}) {
    const auto lived = simulate(seed, {.nodes = 2, .save_every = 0});
    BOOST_TEST(lived.ok(), lived.failure().text());
  }
}

// Coordinators at once, that write over each other: nodes follow the latest term and groups stay the same all the same.
BOOST_AUTO_TEST_CASE(without_locks_nodes_follow_the_latest_term) {
  std::uint64_t coordinators = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const auto lived = simulate(seed, {.locks = false});
    BOOST_REQUIRE_MESSAGE(lived.ok(), lived.failure().text());
    coordinators += lived->coordinators;
  }
  BOOST_TEST(coordinators > 100u);
}

BOOST_AUTO_TEST_CASE(a_seed_gives_the_same_log_every_time) {
  test::check_same_log([](std::uint64_t seed, const simulation_log& log) { return simulate(seed, {}, log); });
}

BOOST_AUTO_TEST_CASE(without_faults_one_group_does_every_step_once) {
  for (const int nodes : {1, 2, 5})
    for (const bool in_shards : {false, true}) {
      const auto lived = simulate(3, {.nodes = nodes, .steps = 60, .quiet = true, .shard_moments = in_shards});
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

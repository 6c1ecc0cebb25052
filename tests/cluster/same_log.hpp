// That a simulation's log is its seed's.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <string>
#include <utility>

#include "cluster/simulated_world.hpp"

namespace argosy::test {

// simulate(seed, log) -> result of figures with the log's digest
template <class Simulation>
void check_same_log(Simulation simulate) {
  const auto log_of = [&](std::uint64_t seed) {
    std::string log;
    const auto lived = simulate(seed, [&](const std::string& line) { log += line + '\n'; });
    BOOST_REQUIRE_MESSAGE(lived.ok(), lived.failure().text());
    return std::pair(log, lived->digest);
  };
  const auto first = log_of(7);
  BOOST_TEST(first.first.size() > 1000u);
  BOOST_TEST((first == log_of(7)));
  BOOST_TEST((first.second != log_of(8).second));
}

}  // namespace argosy::test

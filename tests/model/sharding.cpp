#include "model/sharding.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <numeric>

#include "model/moments.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

constexpr sharding nothing{.of = 0};

BOOST_AUTO_TEST_SUITE(shards)

BOOST_AUTO_TEST_CASE(shards_are_an_arena_s_numbers_in_whole_blocks) {
  BOOST_TEST(whole_blocks(1) == arena_block);
  BOOST_TEST(whole_blocks(arena_block) == arena_block);
  for (const std::int64_t blocks : {0, 1, 2, 7, 1000})
    for (const int of : {1, 2, 3, 7, 16}) {
      std::int64_t next = 0, least = blocks, most = 0;
      for (int shard = 0; shard < of; ++shard) {
        const arena_range at = shard_of(blocks * arena_block, shard, of);
        BOOST_TEST(at.first == next);
        BOOST_TEST(at.count % arena_block == 0);
        next = at.end();
        least = std::min(least, at.count / arena_block);
        most = std::max(most, at.count / arena_block);
      }
      BOOST_TEST(next == blocks * arena_block);
      BOOST_TEST(most - least <= 1);
    }
}

BOOST_AUTO_TEST_CASE(ranges_have_in_common_what_lies_in_both) {
  BOOST_TEST(common({0, 10}, {4, 10}).first == 4);
  BOOST_TEST(common({0, 10}, {4, 10}).count == 6);
  BOOST_TEST(common({4, 2}, {0, 10}).count == 2);
  BOOST_TEST(common({0, 4}, {4, 4}).count == 0);
  BOOST_TEST(common({0, 4}, {9, 4}).count == 0);
}

BOOST_AUTO_TEST_CASE(without_any_one_rank_every_shard_is_there) {
  for (const int of : {2, 3, 4, 7})
    for (int lost = 0; lost < of; ++lost) {
      std::vector<sharding> held;
      for (int rank = 0; rank < of; ++rank) held.push_back(rank == lost ? nothing : sharding{of, rank});
      const auto holders = holders_of(held);
      BOOST_TEST_REQUIRE(holders.size() == static_cast<std::size_t>(of));
      for (int shard = 0; shard < of; ++shard) {
        const int holder = holders[static_cast<std::size_t>(shard)];
        BOOST_TEST(holder != lost);
        BOOST_TEST(held[static_cast<std::size_t>(holder)].holds(shard));
      }
    }
}

BOOST_AUTO_TEST_CASE(of_two_neighbours_that_are_lost_a_shard_is_nowhere) {
  BOOST_TEST(holders_of(std::vector<sharding>{{4, 0}, {4, 3}}).empty());  // who had shard 2
  BOOST_TEST(holders_of(std::vector<sharding>{{4, 0}, {4, 2}}).size() == 4u);
  BOOST_TEST(holders_of(std::vector<sharding>{}).empty());
  BOOST_TEST(holders_of(std::vector<sharding>{nothing}).empty());
  for (const sharding odd : {sharding{-1, -2}, sharding{2, 5}, sharding{1 << 30, 0}, sharding{3, -1}})
    BOOST_TEST(holders_of(std::vector<sharding>{odd}).empty());
}

// All ways in which up to eight nodes lie on up to four machines.
BOOST_AUTO_TEST_CASE(neighbours_are_of_different_machines_where_that_can_be) {
  for (std::size_t count = 1; count <= 8; ++count)
    for (std::uint32_t way = 0; way < 1u << (2 * count); ++way) {
      std::vector<std::string> machines;
      for (std::size_t node = 0; node < count; ++node) machines.push_back(std::to_string(way >> (2 * node) & 3));
      std::vector<std::size_t> all(count);
      std::iota(all.begin(), all.end(), std::size_t{0});
      const auto ranks = machines_apart(machines);
      BOOST_TEST_REQUIRE(ranks.size() == count);
      const auto equal_neighbours = [&](const auto& node_at) {
        std::size_t equal = 0;
        for (std::size_t rank = 0; rank < count; ++rank) equal += machines[node_at(rank)] == machines[node_at((rank + 1) % count)];
        return equal;
      };
      const auto before = equal_neighbours([](std::size_t rank) { return rank; });
      const auto after = equal_neighbours([&](std::size_t rank) { return ranks[rank]; });
      std::size_t largest = 0;
      for (const std::string& machine : machines)
        largest = std::max(largest, static_cast<std::size_t>(std::ranges::count(machines, machine)));
      if (ranks.front() != 0 || !std::ranges::is_permutation(ranks, all) || after > before || (2 * largest <= count && after > 0) ||
          (before == 0 && !std::ranges::is_sorted(ranks)) || (largest == count && !std::ranges::is_sorted(ranks)))
        BOOST_TEST(false, "nodes on machines " << way << " of " << count << ": " << before << " and " << after);
    }
}

BOOST_AUTO_TEST_CASE(whoever_holds_all_is_preferred_to_nobody) {
  const auto holders = holders_of(std::vector<sharding>{{3, 0}, {1, 0}, {3, 1}});
  BOOST_TEST(holders == (std::vector<std::int32_t>{0, 0, 2}), boost::test_tools::per_element());
  const auto whole = holders_of(std::vector<sharding>{{3, 0}, {1, 0}});
  BOOST_TEST(whole == std::vector<std::int32_t>{1}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(moments_take_two_of_as_many_shards_as_there_are_ranks) {
  const auto on = make_cpu_device(1);
  constexpr std::int64_t large = 800 * arena_block, small = arena_block;
  for (const auto& [held, want] : {std::pair<sharding, std::int64_t>{{}, large + small}, {{2, 1}, large + small}, {{8, 7}, large / 4}}) {
    auto made = adamw_moments::make(*on, {large, small}, held);
    test::require_ok(made.failure());
    std::int64_t numbers = 0;
    for (const auto& part : made->parts()) {
      BOOST_TEST(part.first.cols() == part.at.count);
      BOOST_TEST(part.second.cols() == part.at.count);
      numbers += part.at.count;
    }
    BOOST_TEST(numbers >= want);
    BOOST_TEST(numbers <= want + small);
    const arena_range some{shard_of(large, held.rank, held.of).first + arena_block, arena_block};
    const auto views = made->at(0, some);
    BOOST_TEST(views.first.cols == arena_block);
    BOOST_TEST(static_cast<void*>(views.first.as<float>()) != static_cast<void*>(views.second.as<float>()));
  }
  BOOST_TEST(adamw_moments::make(*on, {large, small}, nothing)->parts().empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy

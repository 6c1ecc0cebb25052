#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <numeric>

#include "data/batch.hpp"

namespace argosy {
namespace {

std::vector<std::uint64_t> epoch_of(const pair_order& order, std::uint64_t pairs, std::uint64_t epoch) {
  std::vector<std::uint64_t> drawn(pairs);
  for (std::uint64_t i = 0; i < pairs; ++i) drawn[i] = order.at(epoch * pairs + i);
  return drawn;
}

BOOST_AUTO_TEST_SUITE(order_of_pairs)

BOOST_AUTO_TEST_CASE(each_epoch_is_a_permutation) {
  for (const std::uint64_t pairs : {1, 2, 3, 4, 5, 15, 16, 17, 255, 256, 257, 1001}) {
    std::vector<std::uint64_t> all(pairs);
    std::iota(all.begin(), all.end(), 0);
    for (const std::uint64_t epoch : {0ull, 1ull, 7ull, 1ull << 33}) {
      auto drawn = epoch_of({pairs, 5}, pairs, epoch);
      std::sort(drawn.begin(), drawn.end());
      BOOST_TEST(drawn == all, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(epochs_and_seeds_differ_and_a_seed_repeats) {
  const auto first = epoch_of({1001, 5}, 1001, 0);
  BOOST_TEST((first == epoch_of({1001, 5}, 1001, 0)));
  BOOST_TEST((first != epoch_of({1001, 5}, 1001, 1)));
  BOOST_TEST((first != epoch_of({1001, 6}, 1001, 0)));
  BOOST_TEST((epoch_of({1001, 5}, 1001, 1) != epoch_of({1001, 5}, 1001, std::uint64_t{1} + (1ull << 32))));
}

// The first quarter of an epoch holds about a quarter of the first quarter of the pairs.
BOOST_AUTO_TEST_CASE(the_order_has_no_drift) {
  const auto drawn = epoch_of({4000, 9}, 4000, 0);
  const auto early = std::count_if(drawn.begin(), drawn.begin() + 1000, [](std::uint64_t pair) { return pair < 1000; });
  BOOST_TEST(early > 180);  // 250 +- 12 (one deviation)
  BOOST_TEST(early < 320);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy

#include "index/ranked_key.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>

using namespace argosy;

BOOST_AUTO_TEST_SUITE(ranked_keys)

BOOST_AUTO_TEST_CASE(keys_order_hits_as_scores_and_rows_do) {
  const float infinity = std::numeric_limits<float>::infinity(), tiny = std::numeric_limits<float>::denorm_min();
  const float scores[] = {-infinity, -3.5f, -1.0f, -tiny, 0.0f, tiny, 1.0f, 3.5f, infinity};
  std::vector<hit> hits;
  for (const float score : scores) {
    for (const std::uint32_t row : {0u, 1u, 0x7fff'ffffu, 0x8000'0000u, 0xffff'fffeu}) hits.push_back({row, score});
  }
  for (const hit& a : hits) {
    BOOST_TEST((hit_of(key_of(a)) == a));
    for (const hit& b : hits) BOOST_TEST(better(a, b) == (a.score > b.score || (a.score == b.score && a.row < b.row)));
  }
  BOOST_TEST(key_of(hit{3, -0.0f}) == key_of(hit{3, 0.0f}));
}

// What a broken file's numbers come to is sorted with the others.
BOOST_AUTO_TEST_CASE(scores_that_are_no_numbers_have_a_place_in_the_order) {
  const float none = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  std::vector<hit> hits;
  for (const float score : {none, -infinity, -1.0f, 0.0f, 1.0f, infinity}) {
    for (const std::uint32_t row : {1u, 2u}) hits.push_back({row, score});
  }
  for (std::size_t a = 0; a < hits.size(); ++a) {
    for (std::size_t b = 0; b < hits.size(); ++b) {
      BOOST_TEST(better(hits[a], hits[b]) + better(hits[b], hits[a]) == (a == b ? 0 : 1));
      for (const hit& c : hits) BOOST_TEST((!better(hits[a], hits[b]) || !better(hits[b], c) || better(hits[a], c)));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_number_comes_last_whatever_its_sign) {
  const float none = std::numeric_limits<float>::quiet_NaN(), least = -std::numeric_limits<float>::infinity();
  for (const float score : {none, -none}) BOOST_TEST((better(hit{9, least}, hit{1, score}) && !better(hit{1, score}, hit{9, least})));
}

BOOST_AUTO_TEST_CASE(keys_order_whole_numbers) {
  constexpr std::int32_t numbers[] = {std::numeric_limits<std::int32_t>::min(), -70'000, -1, 0, 1, 70'000,
                                      std::numeric_limits<std::int32_t>::max()};
  for (std::size_t i = 0; i < std::size(numbers); ++i) {
    BOOST_TEST(integer_score(key_of(numbers[i], 7)) == numbers[i]);
    BOOST_TEST(row_of_key(key_of(numbers[i], 7)) == 7u);
    BOOST_TEST(key_of(numbers[i], 7) > key_of(numbers[i], 8));
    if (i > 0) BOOST_TEST(key_of(numbers[i], 9) > key_of(numbers[i - 1], 0));
  }
}

BOOST_AUTO_TEST_CASE(the_best_are_kept_and_the_worst_of_them_is_the_last) {
  std::vector<ranked_key> keys;
  for (const float score : {5.0f, 1.0f, 9.0f, 7.0f, 3.0f}) keys.push_back(key_of(hit{1, score}));
  keep_best(keys, 3);
  BOOST_TEST(keys.size() == 3u);
  BOOST_TEST((hit_of(keys.back()) == hit{1, 5}));
  keep_best(keys, 4);
  BOOST_TEST((sorted_hits(keys) == std::vector<hit>{{1, 9}, {1, 7}, {1, 5}}));
}

BOOST_AUTO_TEST_SUITE_END()

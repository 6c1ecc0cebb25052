#include "actors/question_queue.hpp"

#include <boost/test/unit_test.hpp>

using namespace argosy;

namespace {

question named(const std::string& query) {
  question made;
  made.query = query;
  return made;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(question_queues)

BOOST_AUTO_TEST_CASE(a_full_queue_refuses_and_the_oldest_comes_first) {
  question_queue queue(3);
  for (const char* query : {"a", "b", "c"}) BOOST_TEST(queue.push(named(query)));
  question refused = named("d");
  BOOST_TEST(!queue.push(std::move(refused)));
  BOOST_TEST(refused.query == "d");
  BOOST_TEST(queue.size() == 3u);
  const auto first = queue.take(2, [] {});
  BOOST_REQUIRE(first.size() == 2u);
  BOOST_TEST(first[0].query == "a");
  BOOST_TEST(first[1].query == "b");
  BOOST_TEST(queue.take(2, [] {}).front().query == "c");
}

BOOST_AUTO_TEST_CASE(what_weighs_more_takes_more_of_the_queue) {
  bounded_queue<int> queue(10);
  BOOST_TEST(queue.push(1, 6));
  BOOST_TEST(!queue.push(2, 5));
  BOOST_TEST(queue.push(3, 4));
  BOOST_TEST(!queue.push(4));
  BOOST_TEST(queue.size() == 2u);
  BOOST_TEST(queue.take(1, [] {}).front() == 1);
  BOOST_TEST(!queue.push(5, 7));
  BOOST_TEST(queue.push(6, 6));
  BOOST_TEST(queue.take(9, [] {}).size() == 2u);
  BOOST_TEST(!queue.push(7, 11));
  BOOST_TEST(queue.push(8, 10));
}

BOOST_AUTO_TEST_CASE(who_finds_nothing_is_woken_once) {
  question_queue queue(10);
  int one = 0, other = 0;
  BOOST_TEST(queue.take(1, [&] { ++one; }).empty());
  BOOST_TEST(queue.take(1, [&] { ++other; }).empty());
  for (const char* query : {"a", "b", "c"}) BOOST_TEST(queue.push(named(query)));
  BOOST_TEST(one == 1);
  BOOST_TEST(other == 1);
}

BOOST_AUTO_TEST_SUITE_END()

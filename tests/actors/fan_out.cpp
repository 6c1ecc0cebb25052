#include "actors/fan_out.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

namespace argosy {
namespace {

using namespace std::chrono_literals;

const steady_time start{};
const std::vector<wire_answer> good{wire_answer{}}, busy{wire_answer{.code = wire_code::busy, .error = "too many"}};

// Shards of so many replicas, all up.
struct router {
  explicit router(std::vector<std::size_t> counts) : asked(counts) {
    for (std::size_t i = 0; i < asked.replicas(); ++i) asked.went_up(i);
  }
  // "0 2!": asked now, `!` instead of another one.
  std::string asks() {
    std::string all;
    for (const auto& one : asked.take_asks()) all += std::to_string(one.replica) + (one.instead ? "! " : " ");
    return all;
  }
  // "1:y-": what has ended, and which shards answered.
  std::string ends() {
    std::string all;
    for (const auto& one : asked.take_outcomes()) {
      all += std::to_string(one.request) + ":";
      for (const auto& of : one.of_shards) all += of ? "y" : "-";
      all += " ";
    }
    return all;
  }
  fan_out asked;
};

BOOST_AUTO_TEST_SUITE(fan_outs)

BOOST_AUTO_TEST_CASE(every_shard_is_asked_once_and_the_end_comes_with_the_last) {
  router r({1, 1, 1});
  const auto id = r.asked.begin(start + 1s, start);
  BOOST_TEST(r.asks() == "0 1 2 ");
  r.asked.answered(id, 1, good, start + 1ms);
  r.asked.answered(id, 0, good, start + 1ms);
  BOOST_TEST(r.ends().empty());
  r.asked.answered(id, 2, good, start + 2ms);
  BOOST_TEST(r.ends() == "1:yyy ");
  r.asked.answered(id, 2, good, start + 3ms);
  BOOST_TEST(r.ends().empty());
}

BOOST_AUTO_TEST_CASE(replicas_are_asked_in_turn_and_the_one_with_less_to_do_first) {
  router r({2});
  std::size_t of[2] = {0, 0};
  for (int i = 0; i < 6; ++i) {
    r.asked.begin(start + 1s, start);
    for (const auto& one : r.asked.take_asks()) ++of[one.replica];
  }
  BOOST_TEST(of[0] == 3u);
  BOOST_TEST(of[1] == 3u);
}

BOOST_AUTO_TEST_CASE(what_fails_is_asked_of_another_and_nobody_left_is_the_end) {
  router r({2, 1});
  const auto id = r.asked.begin(start + 1s, start);
  const auto first = r.asked.take_asks().front().replica;
  r.asked.answered(id, 2, good, start);
  r.asked.failed(id, first, start + 1ms);
  BOOST_TEST(r.asks() == std::to_string(1 - first) + "! ");
  BOOST_TEST(r.ends().empty());
  r.asked.failed(id, 1 - first, start + 2ms);
  BOOST_TEST(r.ends() == "1:-y ");
}

BOOST_AUTO_TEST_CASE(what_was_asked_of_a_replica_that_went_is_asked_of_another_at_once) {
  router r({2});
  for (int i = 0; i < 4; ++i) r.asked.begin(start + 1s, start);
  r.asked.take_asks();
  r.asked.went_down(0, start + 1ms);
  BOOST_TEST(r.asks() == "1! 1! ");
  r.asked.begin(start + 1s, start + 2ms);
  BOOST_TEST(r.asks() == "1 ");
  r.asked.went_down(1, start + 3ms);
  BOOST_TEST(r.ends() == "1:- 2:- 3:- 4:- 5:- ");
  r.asked.went_up(0);
  r.asked.begin(start + 1s, start + 4ms);
  BOOST_TEST(r.asks() == "0 ");
}

BOOST_AUTO_TEST_CASE(a_busy_replica_is_replaced_and_its_refusal_kept_where_nobody_else_is) {
  router r({2});
  const auto id = r.asked.begin(start + 1s, start);
  const auto first = r.asked.take_asks().front().replica;
  r.asked.answered(id, first, busy, start);
  BOOST_TEST(r.asks() == std::to_string(1 - first) + "! ");
  r.asked.answered(id, 1 - first, busy, start);
  const auto ends = r.asked.take_outcomes();
  BOOST_REQUIRE(ends.size() == 1u);
  BOOST_TEST((ends.front().of_shards.front()->front().code == wire_code::busy));
}

BOOST_AUTO_TEST_CASE(what_takes_long_is_asked_of_another_too_and_the_first_answer_counts) {
  router r({2});
  const auto id = r.asked.begin(start + 1s, start);
  const auto first = r.asked.take_asks().front().replica;
  r.asked.look(start + 250ms);
  BOOST_TEST(r.asks().empty());
  r.asked.look(start + 251ms);
  BOOST_TEST(r.asks() == std::to_string(1 - first) + "! ");
  r.asked.look(start + 900ms);
  BOOST_TEST(r.asks().empty());  // nobody else is there
  r.asked.answered(id, first, good, start + 901ms);
  BOOST_TEST(r.ends() == "1:y ");
}

BOOST_AUTO_TEST_CASE(the_deadline_ends_it_with_what_is_there) {
  router r({1, 1});
  const auto id = r.asked.begin(start + 100ms, start);
  r.asked.answered(id, 0, good, start + 1ms);
  r.asked.look(start + 99ms);
  BOOST_TEST(r.ends().empty());
  r.asked.look(start + 100ms);
  BOOST_TEST(r.ends() == "1:y- ");
}

BOOST_AUTO_TEST_CASE(a_silent_replica_is_asked_nothing_until_it_is_heard_of) {
  router r({1, 1});
  r.asked.begin(start + 10s, start);
  r.asked.take_asks();
  r.asked.pinged(1, start);
  r.asked.heard(0, start + 300ms);
  BOOST_TEST(r.asked.answers(0, start + 301ms));
  BOOST_TEST(!r.asked.answers(1, start + 301ms));
  r.asked.begin(start + 10s, start + 301ms);
  BOOST_TEST(r.asks() == "0 ");
  r.asked.answered(2, 0, good, start + 302ms);
  BOOST_TEST(r.ends() == "2:y- ");  // at once: nobody of the other shard is left
  r.asked.heard(1, start + 400ms);
  r.asked.begin(start + 10s, start + 401ms);
  BOOST_TEST(r.asks() == "0 1 ");
  BOOST_TEST(r.ends().empty());
}

BOOST_AUTO_TEST_CASE(idle_replicas_are_not_silent) {
  router r({1});
  r.asked.pinged(0, start);
  r.asked.heard(0, start + 1ms);
  BOOST_TEST(r.asked.answers(0, start + 1h));
}

BOOST_AUTO_TEST_CASE(who_has_answered_is_waited_for_no_more) {
  router r({1});
  const auto id = r.asked.begin(start + 1s, start);
  r.asked.answered(id, 0, good, start + 1ms);
  BOOST_TEST(r.asked.answers(0, start + 1h));
  r.asked.pinged(0, start + 1h);
  BOOST_TEST(r.asked.answers(0, start + 1h + 300ms));
  BOOST_TEST(!r.asked.answers(0, start + 1h + 301ms));
}

BOOST_AUTO_TEST_CASE(a_pause_of_the_router_s_own_is_nobody_s_silence) {
  router r({1});
  r.asked.look(start);
  r.asked.pinged(0, start + 1ms);
  r.asked.look(start + 10s);
  BOOST_TEST(r.asked.answers(0, start + 10s + 300ms));
  r.asked.look(start + 10s + 100ms);
  r.asked.look(start + 10s + 200ms);
  r.asked.look(start + 10s + 301ms);
  BOOST_TEST(!r.asked.answers(0, start + 10s + 301ms));
}

BOOST_AUTO_TEST_CASE(a_shard_without_anybody_ends_at_once) {
  const std::vector<std::size_t> counts{1, 1};
  fan_out asked(counts);
  asked.begin(start + 1s, start);
  BOOST_TEST(asked.take_asks().empty());
  BOOST_TEST(asked.take_outcomes().size() == 1u);
}

// Whatever happens, every request ends once, by its deadline, and nothing stays counted.
BOOST_AUTO_TEST_CASE(random_lives_end_every_request_once) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    router r({2, 3, 1});
    steady_time now = start;
    std::vector<fan_out::ask> open;
    std::vector<int> ended(201, 0);
    std::uint64_t begun = 0;
    const auto settle = [&] {
      for (const auto& one : r.asked.take_asks()) open.push_back(one);
      for (const auto& one : r.asked.take_outcomes()) ++ended[one.request];
    };
    for (int step = 0; step < 600; ++step) {
      now += std::chrono::milliseconds(random() % 20);
      const std::size_t which = random() % r.asked.replicas();
      switch (random() % 8) {
        case 0:
        case 1:
          if (begun < 200) begun = r.asked.begin(now + std::chrono::milliseconds(random() % 800), now);
          break;
        case 2: r.asked.went_down(which, now); break;
        case 3: r.asked.went_up(which); break;
        case 4: r.asked.pinged(which, now); break;
        case 5: r.asked.look(now); break;
        default:
          if (open.empty()) break;
          const std::size_t at = random() % open.size();
          const auto one = open[at];
          open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
          if (random() % 4 == 0) {
            r.asked.failed(one.request, one.replica, now);
          } else {
            r.asked.answered(one.request, one.replica, random() % 5 == 0 ? busy : good, now);
          }
      }
      settle();
    }
    r.asked.look(now + 1h);
    settle();
    for (std::uint64_t id = 1; id <= begun; ++id) BOOST_TEST_REQUIRE(ended[id] == 1, "seed " << seed << ", request " << id);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy

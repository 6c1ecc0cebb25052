// Shard and router actors on the deterministic scheduler; fan_out.cpp has the state alone, tests/system/shards.cpp the real servers.
#include <boost/test/unit_test.hpp>

#include "actors/router_actor.hpp"
#include "tests/support/actor_fixture.hpp"

namespace argosy {
namespace {

using namespace std::chrono_literals;

// A shard whose replies are this test's: later, wrong or never.
struct fake_shard {
  std::vector<wire_request> asked;
  std::vector<message_endpoint::reply_taker> waiting;
  shard_parts parts() {
    return {.take =
                [this](std::span<const std::byte> bytes, message_endpoint::reply_taker to) {
                  asked.push_back(decode_request(bytes).value());
                  waiting.push_back(std::move(to));
                },
            .generation = [] { return std::uint64_t{5}; }};
  }
  void answer(std::size_t at, const std::string& id, float score) {
    wire_answer one;
    one.results = {{id, score, {}, 1, true}};
    waiting[at](encode(wire_reply{asked[at].id, std::vector<wire_answer>(asked[at].queries.size(), one)}));
  }
};

struct two_shards : test::deterministic_actors {
  two_shards() {
    router_parts parts{.shards = {{place(shards[0])}, {place(shards[1])}}, .middleman = {}, .figures = figures, .clock = &clock};
    to = spawn(route, parts);
    step_time(0ms);
  }
  replica_place place(fake_shard& of) { return {.name = "fake", .here = spawn(shard, of.parts()), .host = {}}; }
  // look() comes again and again, so there is no end to run to.
  void step_time(std::chrono::milliseconds by) {
    for (auto left = by; left > 0ms; left -= 5ms) advance(5ms);
    run();
  }
  void ask(std::vector<wire_query> queries, std::chrono::milliseconds within) {
    const auto request = std::make_shared<routed_request>();
    request->asked = {.id = 42, .queries = std::move(queries)};
    request->deadline = clock.now() + within;
    request->tell = [this](wire_reply reply) { told.push_back(std::move(reply)); };
    caf::anon_send(to, route_atom_v, request);
    run();
  }
  fake_shard shards[2];
  std::shared_ptr<std::vector<replica_figures>> figures = std::make_shared<std::vector<replica_figures>>(2);
  router_actor to;
  std::vector<wire_reply> told;
};

BOOST_FIXTURE_TEST_SUITE(routers, two_shards)

BOOST_AUTO_TEST_CASE(a_request_goes_to_all_shards_and_comes_back_merged_with_its_own_id) {
  ask({{.text = "red dress", .k = 2}}, 1s);
  BOOST_REQUIRE((shards[0].asked.size() == 1u && shards[1].asked.size() == 1u));
  BOOST_TEST(shards[0].asked[0].queries[0].text == "red dress");
  BOOST_TEST(shards[0].asked[0].deadline_ms == 900u);
  shards[0].answer(0, "a", .5f);
  run();
  BOOST_TEST(told.empty());
  shards[1].answer(0, "b", .9f);
  run();
  BOOST_REQUIRE(told.size() == 1u);
  BOOST_TEST(told[0].id == 42u);
  BOOST_REQUIRE(told[0].answers[0].results.size() == 2u);
  BOOST_TEST(told[0].answers[0].results[0].id == "b");
  BOOST_TEST(told[0].answers[0].shards_answered == 2u);
}

BOOST_AUTO_TEST_CASE(what_is_late_is_left_out_at_the_deadline) {
  ask({{.text = "red"}, {.text = "blue", .channel = wire_channel::hybrid}}, 200ms);
  BOOST_TEST(shards[0].asked.front().queries.size() == 3u);  // a hybrid query is two
  shards[0].answer(0, "a", .5f);
  step_time(190ms);
  BOOST_TEST(told.empty());
  step_time(20ms);
  BOOST_REQUIRE(told.size() == 1u);
  BOOST_REQUIRE(told[0].answers.size() == 2u);
  for (const wire_answer& one : told[0].answers) BOOST_TEST((one.shards == 2u && one.shards_answered == 1u && one.results.size() == 1u));
  shards[1].answer(0, "b", .9f);  // too late: it is told nobody
  run();
  BOOST_TEST(told.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_reply_that_is_none_is_as_good_as_no_reply) {
  ask({{.text = "red"}}, 1s);
  shards[0].waiting[0]({std::byte{1}, std::byte{2}});
  shards[1].waiting[0](encode(wire_reply{1, std::vector<wire_answer>(3)}));  // answers to other questions
  run();
  BOOST_REQUIRE(told.size() == 1u);
  BOOST_TEST((told[0].answers[0].code == wire_code::unavailable));
  BOOST_TEST((*figures)[0].failed == 1u);
  BOOST_TEST((*figures)[1].failed == 1u);
}

BOOST_AUTO_TEST_CASE(one_refusal_of_a_whole_request_is_one_of_each_query) {
  ask({{.text = "red"}, {.text = "blue"}}, 1s);
  for (fake_shard& one : shards) one.waiting[0](encode(wire_reply{0, {{.code = wire_code::busy, .error = "too many"}}}));
  run();
  BOOST_REQUIRE(told.size() == 1u);
  BOOST_REQUIRE(told[0].answers.size() == 2u);
  for (const wire_answer& answer : told[0].answers) BOOST_TEST((answer.code == wire_code::busy));
}

BOOST_AUTO_TEST_CASE(more_queries_than_shards_take_are_refused_at_once) {
  ask(std::vector<wire_query>(129, {.text = "red", .channel = wire_channel::hybrid}), 1s);
  BOOST_REQUIRE(told.size() == 1u);
  BOOST_TEST((told[0].answers.size() == 129u && told[0].answers[0].code == wire_code::invalid));
  BOOST_TEST(shards[0].asked.empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy

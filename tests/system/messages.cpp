// `argosy serve --zmq`: the real server, asked by messages.
#include <boost/test/unit_test.hpp>
#include <zmq.hpp>

#include "net/search_client.hpp"
#include "tests/support/status.hpp"
#include "tests/system/running_server.hpp"
#include "tests/system/small_shop.hpp"

namespace argosy::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto patience = 60s;

search_client client_of(const running_server& server) {
  auto client = search_client::connect(server.messages());
  require_ok(client.failure());
  return std::move(client).value();
}

wire_reply reply_to(search_client& client, std::vector<wire_query> queries) {
  auto reply = client.search({.queries = std::move(queries)}, patience);
  require_ok(reply.failure());
  return std::move(reply).value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(messages)

BOOST_AUTO_TEST_CASE(they_are_answered_as_http_is) {
  const auto& shop = shared_small_shop();
  running_server server(shop.store);
  search_client client = client_of(server);
  const std::string names[] = {"semantic", "lexical", "hybrid"};
  for (const wire_channel channel : {wire_channel::semantic, wire_channel::lexical, wire_channel::hybrid}) {
    const std::string target = "/v1/search?q=red+dress&k=7&channel=" + names[static_cast<std::size_t>(channel)];
    const json wanted = server.ask(target).object();
    const wire_reply reply = reply_to(client, {{.text = "red dress", .k = 7, .channel = channel, .titles = true}});
    BOOST_REQUIRE(reply.answers.size() == 1u);
    const wire_answer& answer = reply.answers.front();
    BOOST_TEST((answer.code == wire_code::ok && answer.error.empty() && answer.generation == 1));
    BOOST_TEST((answer.from_pairs ? "pair table" : "index") == wanted.at("source"));
    BOOST_REQUIRE(answer.results.size() == wanted.at("results").size());
    for (std::size_t i = 0; i < answer.results.size(); ++i) {
      const json& one = wanted.at("results")[i];
      BOOST_TEST(answer.results[i].id == one.at("id"));
      BOOST_TEST(answer.results[i].title == one.at("title"));
      BOOST_TEST(answer.results[i].score == one.at("score").get<float>());
      BOOST_TEST(answer.results[i].within == one.at("within"));
    }
    BOOST_REQUIRE(answer.restricted.size() == wanted.at("restricted").size());
    for (std::size_t i = 0; i < answer.restricted.size(); ++i) {
      BOOST_TEST(answer.restricted[i].field == wanted.at("restricted")[i].at("field"));
      BOOST_TEST(json(answer.restricted[i].values) == wanted.at("restricted")[i].at("values"));
    }
  }
  BOOST_TEST(reply_to(client, {{.text = "red dress"}}).answers.front().results.front().title.empty());
  BOOST_TEST(server.ask("/metrics").body.find("argosy_message_queries_total{code=\"ok\"} 4\n") != std::string::npos);
  BOOST_TEST(server.end() == 0);
}

BOOST_AUTO_TEST_CASE(a_batch_has_an_answer_or_a_refusal_for_each) {
  running_server server(shared_small_shop().store);
  search_client client = client_of(server);
  const wire_reply reply = reply_to(client, {{.text = "red dress", .k = 3},
                                             {.text = ""},
                                             {.text = "!!!"},
                                             {.text = "shoes", .k = 0},
                                             {.text = "shoes", .k = 1001},
                                             {.text = "shoes", .filter = "nosuch:1"},
                                             {.text = "shoes", .channel = wire_channel::hybrid, .lexical_weight = -1},
                                             {.text = std::string(1001, 'x')},
                                             {.text = "blue shoes", .k = 2}});
  BOOST_REQUIRE(reply.answers.size() == 9u);
  BOOST_TEST(reply.answers[0].results.size() == 3u);
  BOOST_TEST(reply.answers[8].results.size() == 2u);
  const std::string wanted[] = {"",
                                "text: want 1 to 1000 bytes, got 0",
                                "",
                                "k: want 1 to 1000, got 0",
                                "k: want 1 to 1000, got 1001",
                                "filter",
                                "lexical_weight: want a number of at least 0",
                                "text: want 1 to 1000 bytes, got 1001"};
  for (std::size_t i = 1; i <= 7; ++i) {
    BOOST_TEST((reply.answers[i].code == wire_code::invalid), i);
    BOOST_TEST(!reply.answers[i].error.empty());
    BOOST_TEST(reply.answers[i].error.starts_with(wanted[i]), reply.answers[i].error);
  }
  const wire_reply none = reply_to(client, {});
  BOOST_TEST(none.answers.front().error == "queries: want 1 to 256, got 0");
  BOOST_TEST(reply_to(client, std::vector<wire_query>(21, {.text = "a", .k = 1000})).answers.front().error ==
             "k: want 20000 at most of all queries together, got 21000");
  BOOST_TEST(reply_to(client, std::vector<wire_query>(257, {.text = "a"})).answers.front().error == "queries: want 1 to 256, got 257");
  BOOST_TEST(server.end() == 0);
}

BOOST_AUTO_TEST_CASE(requests_sent_ahead_are_all_answered) {
  running_server server(shared_small_shop().store, {"--deadline-ms", "600000", "--waiting", "5000"});
  search_client client = client_of(server);
  const std::string texts[] = {"red dress", "blue shoes", "green jacket"};
  for (std::uint64_t id = 1; id <= 3000; ++id) require_ok(client.send({.id = id, .queries = {{.text = texts[id % 3], .k = 1}}}));
  std::vector<std::string> best(3);
  std::vector<bool> seen(3001);
  for (int i = 0; i < 3000; ++i) {
    const auto reply = client.receive(patience);
    require_ok(reply.failure());
    BOOST_REQUIRE(reply.value().has_value());
    BOOST_REQUIRE(!seen.at((*reply)->id));
    seen[(*reply)->id] = true;
    BOOST_REQUIRE((*reply)->answers.front().results.size() == 1u);
    std::string& same = best[(*reply)->id % 3];
    if (same.empty()) same = (*reply)->answers.front().results.front().id;
    BOOST_REQUIRE_EQUAL(same, (*reply)->answers.front().results.front().id);
  }
  BOOST_TEST(server.end() == 0);
}

BOOST_AUTO_TEST_CASE(more_than_may_wait_are_told_so) {
  running_server server(shared_small_shop().store, {"--waiting", "2", "--threads", "1", "--deadline-ms", "600000"});
  search_client client = client_of(server);
  std::size_t ok = 0, busy = 0;
  while (busy == 0) {
    const wire_reply reply = reply_to(client, std::vector<wire_query>(256, {.text = "red dress", .live = true}));
    for (const auto& answer : reply.answers) {
      BOOST_REQUIRE((answer.code == wire_code::ok || answer.code == wire_code::busy));
      ++(answer.code == wire_code::ok ? ok : busy);
    }
  }
  BOOST_TEST(ok > 0u);
  BOOST_TEST(server.end() == 0);
}

BOOST_AUTO_TEST_CASE(what_is_no_request_is_told_and_others_are_answered) {
  running_server server(shared_small_shop().store);
  search_client client = client_of(server);
  zmq::context_t context;
  zmq::socket_t rude(context, zmq::socket_type::dealer);
  rude.set(zmq::sockopt::linger, 0);
  rude.set(zmq::sockopt::rcvtimeo, 60'000);
  rude.connect(server.messages());
  for (const std::string bytes : {"", "x", "ARG1ARG1ARG1ARG1", "\xff\xff\xff\xff ARG1 and more of it, none of which is a table"}) {
    rude.send(zmq::buffer(bytes));
    zmq::message_t answered;
    BOOST_REQUIRE(rude.recv(answered).has_value());
    const wire_bytes body(answered.data<std::byte>(), answered.data<std::byte>() + answered.size());
    const auto reply = decode_reply(body);
    require_ok(reply.failure());
    BOOST_TEST(reply->id == 0u);
    BOOST_TEST((reply->answers.front().code == wire_code::invalid));
    BOOST_TEST(reply->answers.front().error.starts_with("want a request"), reply->answers.front().error);
  }
  rude.send(zmq::buffer(std::string(2'000'000, 'x')));  // longer than any message: the connection goes
  BOOST_TEST(reply_to(client, {{.text = "red dress"}}).answers.front().results.size() == 10u);
  BOOST_TEST(server.end() == 0);
}

// A client finds a server again that was killed; what it had asked is lost, and said to be.
BOOST_AUTO_TEST_CASE(a_server_that_was_killed_is_found_again) {
  const auto& shop = shared_small_shop();
  auto server = std::make_unique<running_server>(shop.store);
  search_client client = client_of(*server);
  const std::string best = reply_to(client, {{.text = "red dress"}}).answers.front().results.front().id;
  const std::string endpoint = server->messages();
  server->kill();
  BOOST_TEST((client.search({.queries = {{.text = "red dress"}}}, 100ms).failure().code() == errc::unavailable));
  server = std::make_unique<running_server>(shop.store, std::vector<std::string>{"--zmq", endpoint});
  BOOST_TEST(reply_to(client, {{.text = "red dress"}}).answers.front().results.front().id == best);
  BOOST_TEST(server->end() == 0);
}

BOOST_AUTO_TEST_CASE(endpoints_of_elsewhere_are_refused) {
  for (const std::string endpoint : {"tcp://0.0.0.0:5555", "tcp://*:5555", "tcp://localhost:5555", "udp://127.0.0.1:5555", "5555"}) {
    const auto end = run_argosy({"serve", "--store", shared_small_shop().store, "--http", "127.0.0.1:0", "--zmq", endpoint});
    BOOST_TEST(end.exit_code == 1);
    BOOST_TEST(end.err.find("--zmq: want ") != std::string::npos, end.err);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test

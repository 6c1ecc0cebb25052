// The client against message servers of the test's own: what it sends, what it makes of replies, and of none.
#include <argosy_client.hpp>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/curve_keys.hpp"
#include "net/message_server.hpp"
#include "schema/search_wire.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {
namespace {

using namespace std::chrono_literals;

constexpr auto soon_enough = 60s;
constexpr auto in_vain = 200ms;  // of what is never answered

using replier = std::function<std::optional<wire_bytes>(const wire_request&)>;  // none: says nothing

std::unique_ptr<message_server> server_of(replier reply, const curve_server_files& curve = {}) {
  auto started = message_server::start(
      "tcp://127.0.0.1:*",
      [reply = std::move(reply)](std::span<const std::byte> bytes, message_exchange exchange) {
        const auto request = decode_request(bytes);
        if (!request.ok()) return;
        if (auto made = reply(*request)) exchange.answer(std::move(*made));
      },
      {}, curve);
  require_ok(started.failure());
  return std::move(started).value();
}

// One result for each query: its text.
wire_reply echo(const wire_request& request) {
  wire_reply reply{request.id, {}};
  for (const wire_query& one : request.queries) reply.answers.push_back({.results = {{one.text, 0, "", 0, true}}});
  return reply;
}

template <class Work>
void check_thrown(Work work, argosy_code code, const std::string& part) {
  try {
    work();
    BOOST_ERROR("nothing was thrown");
  } catch (const error& thrown) {
    BOOST_TEST(thrown.code() == code, thrown.what());
    BOOST_TEST(std::string(thrown.what()).find(part) != std::string::npos, thrown.what());
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(client_class)

BOOST_AUTO_TEST_CASE(what_is_asked_for_is_sent_and_what_is_answered_comes_back) {
  const auto server = server_of([](const wire_request& request) {
    BOOST_TEST(request.queries.size() == 1u);
    const wire_query& one = request.queries[0];
    BOOST_TEST(one.text == "red dress");
    BOOST_TEST(one.k == 7u);
    BOOST_TEST(one.filter == "price<5");
    BOOST_TEST((one.channel == wire_channel::hybrid));
    BOOST_TEST(!one.restricts);
    BOOST_TEST(one.live);
    BOOST_TEST(one.titles);
    BOOST_TEST(request.deadline_ms <= 50'000u);
    BOOST_TEST(request.deadline_ms > 0u);
    wire_answer answer{.generation = 3, .from_pairs = true, .results = {{"77", 0.5F, "red", 3, false}}};
    answer.restricted = {{"zorro", "brand", {"Zorro", "Zorro Kids"}}};
    answer.shards = 3;
    answer.shards_answered = 2;
    return encode(wire_reply{request.id, {answer}});
  });
  client asking(server->endpoint());
  const query_options how{.k = 7, .filter = "price<5", .channel = "hybrid", .restricts = false, .live = true};
  const answer told = asking.search("red dress", how, 50s);
  BOOST_REQUIRE(told.results.size() == 1u);
  BOOST_TEST(told.results[0].id == "77");
  BOOST_TEST(told.results[0].title == "red");
  BOOST_TEST(told.results[0].score == 0.5);
  BOOST_TEST(told.results[0].semantic);
  BOOST_TEST(told.results[0].lexical);
  BOOST_TEST(!told.results[0].within);
  BOOST_REQUIRE(told.restricted.size() == 1u);
  BOOST_TEST(told.restricted[0].text == "zorro");
  BOOST_TEST(told.restricted[0].field == "brand");
  BOOST_TEST((told.restricted[0].values == std::vector<std::string>{"Zorro", "Zorro Kids"}));
  BOOST_TEST(told.source == "pair table");
  BOOST_TEST(told.generation == 3u);
  BOOST_TEST(told.shards == 3u);
  BOOST_TEST(told.shards_answered == 2u);
  BOOST_TEST(told.refusal.empty());
}

BOOST_AUTO_TEST_CASE(many_go_in_messages_that_a_server_takes) {
  std::atomic<std::size_t> messages = 0, most_queries = 0, most_results = 0;
  const auto server = server_of([&](const wire_request& request) {
    ++messages;
    const std::size_t queries = request.queries.size();
    most_queries = std::max<std::size_t>(most_queries, queries);
    most_results = std::max<std::size_t>(most_results, queries * request.queries[0].k);
    return encode(echo(request));
  });
  client asking(server->endpoint(), {.deadline = soon_enough});
  std::vector<std::string> queries;
  for (int i = 0; i < 600; ++i) queries.push_back("query " + std::to_string(i));
  for (const auto& [k, wanted] : {std::pair<std::size_t, std::size_t>{10, 3}, {1000, 30}, {30'000, 600}}) {
    messages = most_queries = most_results = 0;
    const auto answers = asking.search_many(queries, {.k = k});
    BOOST_REQUIRE(answers.size() == queries.size());
    for (std::size_t q = 0; q < queries.size(); ++q) BOOST_REQUIRE(answers[q].results.at(0).id == queries[q]);
    BOOST_TEST(messages == wanted);
    BOOST_TEST(most_queries <= 256u);
    if (k <= 20'000) BOOST_TEST(most_results <= 20'000u);
  }
  BOOST_TEST(asking.search_many({}).empty());
}

BOOST_AUTO_TEST_CASE(refusals_have_their_codes) {
  std::atomic<wire_code> code = wire_code::busy;
  const auto server = server_of([&](const wire_request& request) {
    wire_reply reply = echo(request);
    reply.answers.back() = {.code = code, .error = code == wire_code::failed ? "" : "this is why"};
    return encode(reply);
  });
  client asking(server->endpoint(), {.deadline = soon_enough});
  for (const auto& [sent, wanted] : {std::pair{wire_code::invalid, ARGOSY_INVALID_ARGUMENT},
                                     {wire_code::busy, ARGOSY_BUSY},
                                     {wire_code::unavailable, ARGOSY_UNAVAILABLE}}) {
    code = sent;
    check_thrown([&] { asking.search("red"); }, wanted, "this is why");
    const auto many = asking.search_many({"red", "blue"});
    BOOST_TEST(many[0].refusal.empty());
    BOOST_TEST(many[0].refusal_code == ARGOSY_OK);
    BOOST_TEST(many[1].refusal == "this is why");
    BOOST_TEST(many[1].refusal_code == wanted);
    BOOST_TEST(many[1].results.empty());
  }
  code = wire_code::failed;
  check_thrown([&] { asking.search("red"); }, ARGOSY_FAILED, "did not say why");
}

BOOST_AUTO_TEST_CASE(replies_that_are_none_are_told) {
  std::optional<wire_bytes> reply;
  const auto server = server_of([&](const wire_request&) { return reply; });
  client asking(server->endpoint(), {.deadline = soon_enough});
  reply = wire_bytes(20);
  check_thrown([&] { asking.search("red"); }, ARGOSY_CORRUPT, server->endpoint() + ": want a reply");
  reply = encode(wire_reply{0, {{.code = wire_code::invalid, .error = "too much"}}});
  check_thrown([&] { asking.search_many({"red", "blue"}); }, ARGOSY_INVALID_ARGUMENT, "too much");
  reply = encode(wire_reply{0, std::vector<wire_answer>(3)});
  check_thrown([&] { asking.search("red"); }, ARGOSY_CORRUPT, "an answer for each of 1 queries, found 3");
}

BOOST_AUTO_TEST_CASE(who_is_not_answered_in_time_is_told_and_goes_on) {
  std::atomic<bool> silent = true;
  const auto server = server_of([&](const wire_request& request) -> std::optional<wire_bytes> {
    if (silent) return std::nullopt;
    return encode(echo(request));
  });
  client asking(server->endpoint(), {.deadline = soon_enough});
  check_thrown([&] { asking.search("red", {}, in_vain); }, ARGOSY_UNAVAILABLE, server->endpoint() + ": no reply within");
  silent = false;
  BOOST_TEST(asking.search("blue").results.at(0).id == "blue");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_asked_is_refused_here) {
  check_thrown([] { client("nowhere"); }, ARGOSY_INVALID_ARGUMENT, "nowhere: ");
  check_thrown([] { client(std::string("tcp://127.0.0.1:1\0", 18)); }, ARGOSY_INVALID_ARGUMENT, "endpoint: want a text without a NUL");
  check_thrown([] { client("tcp://127.0.0.1:1", {.deadline = 0ms}); }, ARGOSY_INVALID_ARGUMENT,
               "deadline: want 1 to 3600000 milliseconds, found 0");
  client asking("tcp://127.0.0.1:1");
  const auto refused = [&](const query_options& how, std::chrono::milliseconds deadline, const std::string& part) {
    check_thrown([&] { asking.search("red", how, deadline); }, ARGOSY_INVALID_ARGUMENT, part);
  };
  refused({.k = 0}, 0ms, "k: want 1 to");
  refused({.k = std::size_t{1} << 32}, 0ms, "k: want 1 to");
  refused({.channel = "best"}, 0ms, "channel: want semantic, lexical or hybrid, found best");
  refused({}, -1ms, "deadline: want");
  refused({}, 3'600'001ms, "deadline: want");
  const client taken = std::move(asking);
  refused({}, 0ms, "moved from");
}

BOOST_AUTO_TEST_CASE(curve_by_files_and_by_texts) {
  const scratch_folder folder;
  for (const char* name : {"server", "client", "stranger"}) require_ok(write_curve_pair(folder / name).failure());
  const auto key = [&](const char* name) {
    std::string text = bytes_of_file(folder / name);
    text.pop_back();
    return text;
  };
  write_bytes(folder / "clients", "client read " + key("client.pub") + "\n");
  const auto server = server_of([](const wire_request& request) { return encode(echo(request)); }, {folder / "server", folder / "clients"});
  const auto at = server->endpoint();
  const auto file = [&](const char* name) { return (folder / name).string(); };

  client by_files(at, {.deadline = soon_enough, .server_key_file = file("server.pub"), .secret_key_file = file("client")});
  BOOST_TEST(by_files.search("red").results.at(0).id == "red");
  client by_texts(at, {.deadline = soon_enough, .server_key = key("server.pub"), .secret_key = key("client")});
  BOOST_TEST(by_texts.search("blue").results.at(0).id == "blue");

  client stranger(at, {.deadline = in_vain, .server_key = key("server.pub"), .secret_key = key("stranger")});
  check_thrown([&] { stranger.search("red"); }, ARGOSY_UNAVAILABLE, "no reply");
  client bare(at, {.deadline = in_vain});
  check_thrown([&] { bare.search("red"); }, ARGOSY_UNAVAILABLE, "no reply");

  const auto refused = [&](const client_options& options, argosy_code code, const std::string& part) {
    check_thrown([&] { client(at, options); }, code, part);
  };
  const auto wrong = ARGOSY_INVALID_ARGUMENT;
  refused({.server_key = key("server.pub")}, wrong, "server_key and secret_key: want both, found one");
  refused({.secret_key_file = file("client")}, wrong, "server_key_file and secret_key_file: want both, found one");
  refused({.server_key_file = file("server.pub"), .secret_key = key("client")}, wrong, "keys: want files or texts, found both");
  refused({.server_key_file = file("none"), .secret_key_file = file("client")}, ARGOSY_NOT_FOUND, file("none"));
  refused({.server_key = "short", .secret_key = key("client")}, wrong, "the server's key: want a public key of 40 characters");
  try {
    client(at, {.server_key = key("server.pub"), .secret_key = "not to be repeated"});
    BOOST_ERROR("nothing was thrown");
  } catch (const error& thrown) {
    BOOST_TEST(std::string(thrown.what()).find("the client's key: want a secret key of 40 characters") != std::string::npos);
    BOOST_TEST(std::string(thrown.what()).find("repeated") == std::string::npos);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test

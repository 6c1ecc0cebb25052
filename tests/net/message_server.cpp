#include "net/message_server.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <zmq.hpp>

#include "tests/support/bare_client.hpp"
#include "tests/support/status.hpp"

using namespace argosy;
using namespace std::chrono_literals;

namespace {

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}
std::string text_of(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// Answers with what was asked.
void echo(std::span<const std::byte> bytes, message_exchange exchange) { exchange.answer(bytes_of("re: " + text_of(bytes))); }

std::unique_ptr<message_server> started(message_handler handler, const message_limits& limits = {}) {
  auto server = message_server::start("tcp://127.0.0.1:*", std::move(handler), limits);
  BOOST_REQUIRE_MESSAGE(server.ok(), server.failure().text());
  return std::move(server).value();
}

class peer {
public:
  peer(const message_server& of, zmq::socket_type type) : socket_(context_, type) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::sndhwm, 0);
    socket_.set(zmq::sockopt::rcvhwm, 0);
    socket_.connect(of.endpoint());
  }
  void send(const std::string& text, bool more = false) {
    socket_.send(zmq::buffer(text), more ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
  std::string receive(std::chrono::milliseconds patience = 10s) {
    socket_.set(zmq::sockopt::rcvtimeo, static_cast<int>(patience.count()));
    zmq::message_t message;
    return socket_.recv(message) ? message.to_string() : "nothing came";
  }

private:
  zmq::context_t context_;
  zmq::socket_t socket_;
};

// Keeps what was asked until it is told to answer.
struct keeper {
  std::mutex lock;
  std::vector<message_exchange> kept;
  void take(std::span<const std::byte>, message_exchange exchange) {
    const std::lock_guard guard(lock);
    kept.push_back(std::move(exchange));
  }
  std::size_t count() {
    const std::lock_guard guard(lock);
    return kept.size();
  }
};

template <class Condition>
bool soon(Condition&& condition) {
  for (int waits = 0; waits < 2000 && !condition(); ++waits) std::this_thread::sleep_for(5ms);
  return condition();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(message_servers)

BOOST_AUTO_TEST_CASE(a_dealer_may_ask_many_ahead) {
  const auto server = started(echo);
  peer one(*server, zmq::socket_type::dealer);
  for (int i = 0; i < 5000; ++i) one.send(std::to_string(i));
  for (int i = 0; i < 5000; ++i) BOOST_REQUIRE_EQUAL(one.receive(), "re: " + std::to_string(i));
  BOOST_TEST(server->dropped() == 0u);
}

BOOST_AUTO_TEST_CASE(a_req_is_answered_too) {
  const auto server = started(echo);
  peer one(*server, zmq::socket_type::req);
  for (const std::string text : {"first", "", "third"}) {
    one.send(text);
    BOOST_TEST(one.receive() == "re: " + text);
  }
}

BOOST_AUTO_TEST_CASE(each_peer_has_its_own_answers) {
  const auto server = started(echo);
  peer a(*server, zmq::socket_type::dealer), b(*server, zmq::socket_type::dealer);
  a.send("a");
  b.send("b");
  BOOST_TEST(b.receive() == "re: b");
  BOOST_TEST(a.receive() == "re: a");
}

BOOST_AUTO_TEST_CASE(answers_may_come_later_in_any_order_from_any_thread) {
  keeper kept;
  const auto server = started([&](auto bytes, message_exchange exchange) { kept.take(bytes, std::move(exchange)); });
  peer one(*server, zmq::socket_type::dealer);
  one.send("first");
  one.send("second");
  BOOST_REQUIRE(soon([&] { return kept.count() == 2; }));
  std::thread([&] {
    kept.kept[1].answer(bytes_of("to the second"));
    kept.kept[0].answer(bytes_of("to the first"));
  }).join();
  BOOST_TEST(one.receive() == "to the second");
  BOOST_TEST(one.receive() == "to the first");
}

BOOST_AUTO_TEST_CASE(too_long_a_message_costs_its_peer_the_connection_alone) {
  const auto server = started(echo, {.message_bytes = 1000});
  peer good(*server, zmq::socket_type::dealer), bad(*server, zmq::socket_type::dealer);
  bad.send(std::string(100'000, 'x'));
  good.send(std::string(1000, 'y'));
  BOOST_TEST(good.receive() == "re: " + std::string(1000, 'y'));
  // On a new connection; what is sent before the old one is known to be gone is lost.
  bool back = false;
  for (int tries = 0; tries < 200 && !back; ++tries) {
    bad.send("after it");
    back = bad.receive(50ms) == "re: after it";
  }
  BOOST_TEST(back);
}

BOOST_AUTO_TEST_CASE(further_frames_are_nobodys) {
  const auto server = started(echo);
  peer one(*server, zmq::socket_type::dealer);
  one.send("the request", true);
  one.send("and more", true);
  one.send("and more");
  one.send("the next");
  BOOST_TEST(one.receive() == "re: the request");
  BOOST_TEST(one.receive() == "re: the next");
}

BOOST_AUTO_TEST_CASE(an_answer_to_nobody_is_counted) {
  keeper kept;
  const auto server = started([&](auto bytes, message_exchange exchange) { kept.take(bytes, std::move(exchange)); });
  {
    peer gone(*server, zmq::socket_type::dealer);
    gone.send("and off");
    BOOST_REQUIRE(soon([&] { return kept.count() == 1; }));
  }
  // The server hears of it in its own time: what is answered before that goes into the connection.
  peer other(*server, zmq::socket_type::dealer);
  BOOST_TEST(soon([&] {
    other.send("here");
    const std::size_t asked = kept.count();
    if (asked < 2 || server->dropped() > 0) return server->dropped() > 0;
    std::this_thread::sleep_for(20ms);
    kept.kept[0].answer(bytes_of("too late"));
    return server->dropped() > 0;
  }));
}

BOOST_AUTO_TEST_CASE(draining_answers_what_was_asked) {
  keeper kept;
  const auto server = started([&](auto bytes, message_exchange exchange) { kept.take(bytes, std::move(exchange)); });
  peer one(*server, zmq::socket_type::dealer);
  one.send("asked before");
  BOOST_REQUIRE(soon([&] { return kept.count() == 1; }));
  BOOST_TEST(!server->drain(1ms));
  one.send("asked after");
  std::thread later([&] { kept.kept[0].answer(bytes_of("answered")); });
  BOOST_TEST(server->drain(10s));
  later.join();
  BOOST_TEST(one.receive() == "answered");
  BOOST_TEST(kept.count() == 1u);
}

BOOST_AUTO_TEST_CASE(what_is_dropped_unanswered_does_not_hold_the_end_up) {
  std::atomic<int> taken = 0;
  const auto server = started([&](auto, const message_exchange&) { ++taken; });
  peer one(*server, zmq::socket_type::dealer);
  one.send("asked");
  BOOST_REQUIRE(soon([&] { return taken == 1; }));
  BOOST_TEST(server->drain(10s));
}

BOOST_AUTO_TEST_CASE(a_handler_that_throws_costs_one_answer) {
  const auto server = started([](std::span<const std::byte> bytes, message_exchange exchange) {
    if (bytes.empty()) throw std::runtime_error("nothing there");
    echo(bytes, std::move(exchange));
  });
  peer one(*server, zmq::socket_type::dealer);
  one.send("");
  one.send("something");
  BOOST_TEST(one.receive() == "re: something");
}

BOOST_AUTO_TEST_CASE(the_other_loopback_is_bound_to_as_well) {
  const auto server = message_server::start("tcp://[::1]:*", echo);
  if (!server.ok()) {
    BOOST_TEST_MESSAGE("skipped: this machine has no IPv6: " + server.failure().text());
    return;
  }
  BOOST_TEST(server.value()->endpoint().starts_with("tcp://[::1]:"), server.value()->endpoint());
}

// ZMTP 1 has no greeting: other bytes were taken for frames of a message without end, and kept.
BOOST_AUTO_TEST_CASE(a_peer_that_does_not_greet_as_zmtp_3_does_is_disconnected) {
  const auto server = started(echo);
  const std::string at = server->endpoint();
  const auto port = static_cast<std::uint16_t>(std::stoi(at.substr(at.rfind(':') + 1)));
  const std::string_view of_zmtp_2("\xff\0\0\0\0\0\0\0\1\x7f\1\5\0\0", 14);
  const std::string_view of_zmtp_1("\1\0\x05\1more", 8);
  for (const std::string_view bytes : {of_zmtp_1, of_zmtp_2, std::string_view("GET / HTTP/1.1\r\n\r\n")}) {
    test::bare_client stranger(port);
    stranger.send(bytes);
    stranger.read_all();
    BOOST_TEST(stranger.is_closed());
  }
  peer one(*server, zmq::socket_type::dealer);
  one.send("asked");
  BOOST_TEST(one.receive() == "re: asked");
}

BOOST_AUTO_TEST_CASE(exchanges_may_outlive_the_server) {
  keeper kept;
  auto server = started([&](auto bytes, message_exchange exchange) { kept.take(bytes, std::move(exchange)); });
  peer one(*server, zmq::socket_type::dealer);
  one.send("asked");
  BOOST_REQUIRE(soon([&] { return kept.count() == 1; }));
  server.reset();
  kept.kept[0].answer(bytes_of("to nobody"));
}

BOOST_AUTO_TEST_CASE(an_endpoint_that_cannot_be_had_is_refused) {
  const auto server = started(echo);
  const auto taken = message_server::start(server->endpoint(), echo);
  BOOST_TEST((taken.failure().code() == errc::io_error));
  BOOST_TEST(taken.failure().message().starts_with(server->endpoint() + ": "), taken.failure().message());
  for (const char* wrong : {"127.0.0.1:5555", "http://127.0.0.1:1", "tcp://127.0.0.1", ""}) {
    const auto refused = message_server::start(wrong, echo);
    BOOST_TEST((refused.failure().code() == errc::invalid_argument), wrong);
    BOOST_TEST(refused.failure().message().ends_with("; want tcp://HOST:PORT or ipc://PATH"), refused.failure().message());
  }
}

BOOST_AUTO_TEST_SUITE_END()

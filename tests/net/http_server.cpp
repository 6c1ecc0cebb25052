#include "net/http_server.hpp"

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <mutex>
#include <thread>

#include "tests/support/bare_client.hpp"
#include "tests/support/status.hpp"

using namespace argosy;
using namespace std::chrono_literals;
using test::bare_client;

namespace {

// Answers with what was asked.
void echo(http_request request, http_exchange exchange) {
  exchange.answer({200, request.method + " " + request.target + " " + request.body + " end\n", "text/plain"});
}

std::unique_ptr<http_server> started(http_handler handler, const http_limits& limits = {}) {
  auto server = http_server::start("127.0.0.1:0", std::move(handler), limits);
  BOOST_REQUIRE_MESSAGE(server.ok(), server.failure().text());
  return std::move(server).value();
}

bool holds(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

template <class Condition>
bool soon(Condition&& condition) {
  for (int waits = 0; waits < 2000 && !condition(); ++waits) std::this_thread::sleep_for(5ms);
  return condition();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(http_servers)

BOOST_AUTO_TEST_CASE(requests_of_one_connection_are_answered_in_turn) {
  const auto server = started(echo);
  bare_client one(server->port());
  one.send("GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string first = one.read_until(" end\n");
  BOOST_TEST(first.starts_with("HTTP/1.1 200 OK\r\n"), first);
  BOOST_TEST(holds(first, "Content-Type: text/plain\r\n"), first);
  BOOST_TEST(holds(first, "\r\n\r\nGET /a?b=c  end\n"), first);
  // Both ahead of the answers.
  one.send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbodyGET /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string others = one.read_all();
  BOOST_TEST(others.find("POST /p body end\n") < others.find("GET /second  end\n"), others);
  BOOST_TEST(holds(others, "GET /second"), others);
  BOOST_TEST(holds(others, "Connection: close\r\n"), others);
}

BOOST_AUTO_TEST_CASE(every_request_has_an_id_the_client_s_or_a_new_one) {
  std::vector<std::string> told;
  const auto server = started([&](const http_request& request, http_exchange exchange) {
    told.push_back(request.id);
    exchange.answer({200, "x"});
  });
  const auto answered = [&](const std::string& field) {
    bare_client one(server->port());
    one.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + field + "\r\n");
    return one.read_all();
  };
  BOOST_TEST(holds(answered("X-Request-Id: a.B_c-9\r\n"), "\r\nX-Request-Id: a.B_c-9\r\n"));
  for (const std::string& field : {std::string(), std::string("X-Request-Id: a b\r\n"), "X-Request-Id: " + std::string(65, 'a') + "\r\n"}) {
    const std::string reply = answered(field);
    BOOST_TEST(holds(reply, "\r\nX-Request-Id: " + told.back() + "\r\n"), reply);
  }
  BOOST_REQUIRE(told.size() == 4u);
  BOOST_TEST(told[0] == "a.B_c-9");
  for (std::size_t i = 1; i < 4; ++i)
    BOOST_TEST((told[i].size() == 16 && told[i].find_first_not_of("0123456789abcdef") == std::string::npos));
  BOOST_TEST((told[1] != told[2] && told[2] != told[3]));
}

BOOST_AUTO_TEST_CASE(a_head_has_the_length_and_no_body) {
  const auto server = started(echo);
  bare_client one(server->port());
  one.send("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string read = one.read_all();
  BOOST_TEST(holds(read, "Content-Length: 12\r\n"), read);
  BOOST_TEST(read.ends_with("\r\n\r\n"), read);
}

BOOST_AUTO_TEST_CASE(a_body_is_waited_for_with_leave) {
  const auto server = started(echo);
  bare_client one(server->port());
  one.send("POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  BOOST_TEST(one.read_until("\r\n\r\n").starts_with("HTTP/1.1 100 Continue\r\n"));
  one.send("late");
  BOOST_TEST(holds(one.read_until(" end\n"), "POST /a late end\n"));
}

BOOST_AUTO_TEST_CASE(answers_come_later_and_from_other_threads) {
  std::mutex lock;
  std::vector<http_exchange> held;
  const auto server = started([&](http_request, http_exchange exchange) {
    const std::lock_guard guard(lock);
    held.push_back(std::move(exchange));
  });
  bare_client one(server->port()), two(server->port());
  one.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  two.send("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  BOOST_REQUIRE(soon([&] {
    const std::lock_guard guard(lock);
    return held.size() == 2;
  }));
  std::thread([&] {
    const std::lock_guard guard(lock);
    held.front().answer({200, "said\n"});
    held.clear();  // the other is dropped
  }).join();
  const std::string a = one.read_until("\n", 6), b = two.read_until("\n", 6);
  BOOST_TEST((holds(a, "said") || holds(b, "said")), a + b);
  BOOST_TEST((holds(a, "HTTP/1.1 500") || holds(b, "HTTP/1.1 500")), a + b);
}

BOOST_AUTO_TEST_CASE(what_is_no_request_or_too_long_is_refused) {
  std::atomic<int> asked = 0;
  const auto server = started(
      [&](http_request request, http_exchange exchange) {
        ++asked;
        echo(std::move(request), std::move(exchange));
      },
      {.header_bytes = 1000, .body_bytes = 100});
  const auto answer_to = [&](const std::string& bytes) {
    bare_client one(server->port());
    one.send(bytes);
    return one.read_all();
  };
  BOOST_TEST(answer_to("\x16\x03\x01 nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
  BOOST_TEST(answer_to("GET / HTTP/1.1\r\nX: " + std::string(2000, 'x') + "\r\n\r\n").starts_with("HTTP/1.1 431 "));
  // A gigabyte, of which nothing is sent.
  BOOST_TEST(answer_to("POST / HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n").starts_with("HTTP/1.1 413 "));
  BOOST_TEST(answer_to("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + std::string(300, 'x')).starts_with("HTTP/1.1 413 "));
  BOOST_TEST(answer_to("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n").starts_with("HTTP/1.1 400 "));
  BOOST_TEST(asked == 0);
  BOOST_TEST(holds(answer_to("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"), "GET /  end\n"));
}

BOOST_AUTO_TEST_CASE(who_goes_on_sending_what_was_refused_still_reads_why) {
  const auto server = started(echo, {.body_bytes = 100});
  bare_client one(server->port());
  one.send("POST / HTTP/1.1\r\nContent-Length: 8000000\r\n\r\n");
  const std::string much(1'000'000, 'x');
  for (int i = 0; i < 8; ++i) BOOST_TEST(one.send(much));
  BOOST_TEST(one.read_all().starts_with("HTTP/1.1 413 "));
}

BOOST_AUTO_TEST_CASE(who_sends_slowly_or_nothing_is_closed_and_others_are_served) {
  const auto server = started(echo, {.connections = 20, .reading = 200ms, .idle = 400ms});
  bare_client slow(server->port()), silent(server->port());
  slow.send("GET / HT");
  bare_client other(server->port());
  other.send("GET /other HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  BOOST_TEST(holds(other.read_all(), "GET /other  end\n"));
  BOOST_TEST(slow.read_all() == "");
  BOOST_TEST(silent.read_all() == "");
  BOOST_TEST(soon([&] { return server->connections() == 0; }));
}

BOOST_AUTO_TEST_CASE(connections_that_ask_nothing_keep_nobody_out) {
  const auto server = started(echo, {.connections = 50});
  std::vector<std::unique_ptr<bare_client>> idle;
  for (int i = 0; i < 300; ++i) {
    idle.push_back(std::make_unique<bare_client>(server->port()));
    idle.back()->send("GET");
  }
  bare_client one(server->port());
  one.send("GET /served HTTP/1.1\r\nHost: x\r\n\r\n");
  BOOST_TEST(holds(one.read_until(" end\n"), "/served"));
  BOOST_TEST(server->connections() <= 50u);
  BOOST_TEST(idle.front()->read_all() == "");  // the first ones were closed
}

BOOST_AUTO_TEST_CASE(draining_answers_what_was_asked) {
  std::atomic<bool> asked = false;
  std::thread later;
  const auto server = started([&](http_request request, http_exchange exchange) {
    asked = true;
    later = std::thread([request = std::move(request), exchange = std::move(exchange)]() mutable {
      std::this_thread::sleep_for(100ms);
      echo(std::move(request), std::move(exchange));
    });
  });
  bare_client one(server->port()), idle(server->port());
  one.send("GET /drained HTTP/1.1\r\nHost: x\r\n\r\n");
  BOOST_REQUIRE(soon([&] { return asked.load(); }));
  BOOST_TEST(server->drain(10s));
  const std::string read = one.read_all();
  BOOST_TEST(holds(read, "/drained  end\n"), read);
  BOOST_TEST(holds(read, "Connection: close\r\n"), read);
  BOOST_TEST(idle.read_all() == "");
  later.join();
}

BOOST_AUTO_TEST_CASE(an_answer_after_the_end_goes_nowhere) {
  std::mutex lock;
  std::vector<http_exchange> held;
  auto server = started([&](http_request, http_exchange exchange) {
    const std::lock_guard guard(lock);
    held.push_back(std::move(exchange));
  });
  bare_client one(server->port());
  one.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  BOOST_REQUIRE(soon([&] {
    const std::lock_guard guard(lock);
    return held.size() == 1;
  }));
  BOOST_TEST(!server->drain(50ms));
  server.reset();
  held.front().answer({200, "to nobody\n"});
  BOOST_TEST(one.read_all() == "");
}

BOOST_AUTO_TEST_CASE(addresses_that_cannot_be_are_refused) {
  for (const char* address : {"", "80", ":80", "localhost:", "[]:80"})
    test::check_refused(http_server::start(address, echo).failure(), errc::invalid_argument, {"want HOST:PORT"});
  const auto server = started(echo);
  const auto taken = "127.0.0.1:" + std::to_string(server->port());
  test::check_refused(http_server::start(taken, echo).failure(), errc::io_error, {taken, "in use"});
}

BOOST_AUTO_TEST_SUITE_END()

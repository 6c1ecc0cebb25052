#include "net/http_client.hpp"

#include <boost/test/unit_test.hpp>
#include <map>
#include <thread>

#include "net/http_server.hpp"
#include "tests/support/status.hpp"

using namespace argosy;
using namespace std::chrono_literals;

namespace {

std::map<std::uint64_t, http_answer> taken(http_client& from, std::size_t count) {
  std::map<std::uint64_t, http_answer> all;
  for (int waits = 0; waits < 20'000 && all.size() < count; ++waits) {
    std::vector<http_answer> some;
    from.take(some);
    for (const auto& one : some) all[one.number] = one;
    if (some.empty()) std::this_thread::sleep_for(1ms);
  }
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(http_clients)

BOOST_AUTO_TEST_CASE(more_requests_than_connections_are_all_answered) {
  const auto server = http_server::start("127.0.0.1:0", [](const http_request& request, http_exchange exchange) {
    exchange.answer({request.target == "/7" ? 404u : 200u, request.target});
  });
  test::require_ok(server.failure());
  const auto client = http_client::connect("127.0.0.1:" + std::to_string(server.value()->port()), 4);
  test::require_ok(client.failure());
  for (std::uint64_t i = 0; i < 100; ++i) client.value()->get("/" + std::to_string(i), i);
  const auto answers = taken(*client.value(), 100);
  BOOST_REQUIRE(answers.size() == 100u);
  for (const auto& [number, answer] : answers) {
    BOOST_TEST(answer.code == (number == 7 ? 404u : 200u));
    BOOST_TEST(answer.bytes == std::to_string(number).size() + 1);
  }
  BOOST_TEST(server.value()->connections() == 4u);
}

BOOST_AUTO_TEST_CASE(a_server_that_goes_is_told_and_one_that_comes_back_is_found) {
  const auto answer = [](const http_request&, http_exchange exchange) { exchange.answer({200, "x"}); };
  auto server = http_server::start("127.0.0.1:0", answer);
  test::require_ok(server.failure());
  const std::string address = "127.0.0.1:" + std::to_string(server.value()->port());
  const auto client = http_client::connect(address, 2);
  test::require_ok(client.failure());
  server.value().reset();
  client.value()->get("/", 1);
  BOOST_TEST(taken(*client.value(), 1).at(1).code == 0u);
  server = http_server::start(address, answer);
  test::require_ok(server.failure());
  // Each connection finds out by itself.
  bool back = false;
  for (std::uint64_t i = 2; i < 50 && !back; ++i) {
    client.value()->get("/", i);
    back = taken(*client.value(), 1).at(i).code == 200;
  }
  BOOST_TEST(back);
}

BOOST_AUTO_TEST_CASE(nobody_there_is_refused) {
  BOOST_TEST((http_client::connect("127.0.0.1", 1).failure().code() == errc::invalid_argument));
  auto server = http_server::start("127.0.0.1:0", [](const http_request&, const http_exchange&) {});
  test::require_ok(server.failure());
  const std::string address = "127.0.0.1:" + std::to_string(server.value()->port());
  server.value().reset();
  BOOST_TEST((http_client::connect(address, 1).failure().code() == errc::io_error));
}

BOOST_AUTO_TEST_SUITE_END()

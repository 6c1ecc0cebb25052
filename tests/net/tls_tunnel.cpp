#include "net/tls_tunnel.hpp"

#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "net/secret_file.hpp"
#include "tests/support/bare_client.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {
namespace {

using namespace std::chrono_literals;
using tcp = boost::asio::ip::tcp;
namespace asio = boost::asio;

// Sends back what it gets, a connection after the other's end.
class echo {
public:
  echo() : thread_([this] { run(); }) {}
  ~echo() {
    ended_ = true;
    boost::system::error_code ignored;
    tcp::socket last(io_);
    last.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  int taken() const { return taken_; }

private:
  void run() {
    while (true) {
      tcp::socket one(io_);
      acceptor_.accept(one);
      if (ended_) return;
      ++taken_;
      std::string held(4096, '\0');
      boost::system::error_code why;
      while (!why) {
        const std::size_t size = one.read_some(asio::buffer(held), why);
        if (!why) asio::write(one, asio::buffer(held, size), why);
      }
    }
  }
  asio::io_context io_;
  tcp::acceptor acceptor_{io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::atomic<bool> ended_{false};
  std::atomic<int> taken_{0};
  std::thread thread_;
};

node_credentials as(const tls_files& own, const certificate_authority& trusted) { return {own, trusted.certificate()}; }

constexpr const char* hosts = "IP:127.0.0.1";

struct cluster {
  scratch_folder folder;
  certificate_authority ours{folder.path(), "ours"};
  node_credentials node = as(ours.issue("node", hosts), ours), router = as(ours.issue("router", hosts), ours);
  node_credentials sharing(const std::string& name, const std::string& secret) const {
    require_ok(write_new_file(folder / name, secret, 0600));
    return {.secret = folder / name};
  }
  node_credentials shared = sharing("secret", std::string(64, 's')), guessed = sharing("guessed", std::string(64, 't'));
};

const cluster& shared_cluster() {
  static const cluster made;
  return made;
}

std::unique_ptr<tls_tunnel> exit_to(std::uint16_t port, const tunnel_limits& limits = {},
                                    const node_credentials& with = shared_cluster().node) {
  auto made = tls_tunnel::exit({"127.0.0.1", "0"}, port, with, limits);
  require_ok(made.failure());
  return std::move(*made);
}

std::unique_ptr<tls_tunnel> entrance_to(std::uint16_t port, const node_credentials& with) {
  auto made = tls_tunnel::entrance({"127.0.0.1", std::to_string(port)}, with);
  require_ok(made.failure());
  return std::move(*made);
}

// What comes back of it through the port; empty when the road ended.
std::string sent_back(std::uint16_t port, const std::string& text) {
  asio::io_context io;
  tcp::socket one(io);
  boost::system::error_code why;
  one.connect({asio::ip::address_v4::loopback(), port}, why);
  if (!why) asio::write(one, asio::buffer(text), why);
  std::string back(text.size(), '\0');
  const std::size_t size = why ? 0 : asio::read(one, asio::buffer(back), why);
  return back.substr(0, size);
}

BOOST_AUTO_TEST_SUITE(tls_tunnels)

BOOST_AUTO_TEST_CASE(bytes_go_there_and_back) {
  echo far;
  const auto exit = exit_to(far.port());
  const auto entrance = entrance_to(exit->port(), shared_cluster().router);
  std::string long_text;
  for (int i = 0; i < 100'000; ++i) long_text += std::to_string(i);
  for (const std::string& text : {std::string("a"), long_text, std::string(200'000, '\0')})
    BOOST_TEST((sent_back(entrance->port(), text) == text));
}

BOOST_AUTO_TEST_CASE(who_cannot_prove_itself_reaches_nothing_and_disturbs_nobody) {
  echo far;
  const auto exit = exit_to(far.port());
  const auto entrance = entrance_to(exit->port(), shared_cluster().router);
  asio::io_context io;
  tcp::socket kept(io);
  kept.connect({asio::ip::address_v4::loopback(), entrance->port()});
  std::string held(2, '\0');
  asio::write(kept, asio::buffer("ab", 2));
  asio::read(kept, asio::buffer(held));

  const certificate_authority theirs(shared_cluster().folder.path(), "theirs");
  const tls_files stranger = theirs.issue("stranger", hosts);
  const auto lost = entrance_to(exit->port(), as(stranger, theirs));
  const auto deceived = entrance_to(exit->port(), as(stranger, shared_cluster().ours));
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(sent_back(lost->port(), "hello").empty());
    BOOST_TEST(sent_back(deceived->port(), "hello").empty());
    BOOST_TEST(sent_back(exit->port(), "GET / HTTP/1.1\r\n\r\n") != "GET / HTTP/1.1\r\n\r\n");
  }
  BOOST_TEST(far.taken() == 1);
  asio::write(kept, asio::buffer("cd", 2));
  asio::read(kept, asio::buffer(held));
  BOOST_TEST(held == "cd");
}

BOOST_AUTO_TEST_CASE(nodes_that_share_a_secret_need_no_certificate) {
  echo far;
  const auto exit = exit_to(far.port(), {}, shared_cluster().shared);
  const auto entrance = entrance_to(exit->port(), shared_cluster().shared);
  const std::string long_text(300'000, 'x');
  for (int i = 0; i < 3; ++i) BOOST_TEST((sent_back(entrance->port(), long_text) == long_text));
}

BOOST_AUTO_TEST_CASE(who_has_another_secret_or_a_certificate_reaches_nothing_and_disturbs_nobody) {
  echo far;
  const auto exit = exit_to(far.port(), {}, shared_cluster().shared);
  const auto entrance = entrance_to(exit->port(), shared_cluster().shared);
  const auto guesses = entrance_to(exit->port(), shared_cluster().guessed), certified = entrance_to(exit->port(), shared_cluster().node);
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(sent_back(guesses->port(), "hello").empty());
    BOOST_TEST(sent_back(certified->port(), "hello").empty());
    BOOST_TEST(sent_back(exit->port(), "GET / HTTP/1.1\r\n\r\n") != "GET / HTTP/1.1\r\n\r\n");
    BOOST_TEST(far.taken() == i);
    BOOST_TEST(sent_back(entrance->port(), "hello") == "hello");
  }
  // Nor does who has the secret believe an exit that shows a certificate instead, or another secret.
  for (const node_credentials& impostor : {shared_cluster().node, shared_cluster().guessed}) {
    const auto trap = exit_to(far.port(), {}, impostor);
    BOOST_TEST(sent_back(entrance_to(trap->port(), shared_cluster().shared)->port(), "hello").empty());
  }
  BOOST_TEST(far.taken() == 3);
}

BOOST_AUTO_TEST_CASE(who_proves_nothing_in_time_or_comes_in_masses_is_closed) {
  echo far;
  const auto slow = exit_to(far.port(), {.proving = 100ms});
  bare_client silent(slow->port());
  BOOST_TEST(silent.read_all().empty());  // ends because it was closed
  const auto few = exit_to(far.port(), {.proving = 60s, .unproved = 3});
  std::vector<std::unique_ptr<bare_client>> many;
  for (int i = 0; i < 4; ++i) many.push_back(std::make_unique<bare_client>(few->port()));
  BOOST_TEST(many.front()->read_all().empty());
  const auto entrance = entrance_to(few->port(), shared_cluster().router);
  BOOST_TEST(sent_back(entrance->port(), "still") == "still");
}

BOOST_AUTO_TEST_CASE(a_far_end_that_is_not_there_ends_the_connection) {
  std::uint16_t nobody = 0;
  {
    echo gone;
    nobody = gone.port();
  }
  BOOST_TEST(sent_back(entrance_to(nobody, shared_cluster().router)->port(), "hello").empty());
  const auto exit = exit_to(nobody);
  BOOST_TEST(sent_back(entrance_to(exit->port(), shared_cluster().router)->port(), "hello").empty());
}

BOOST_AUTO_TEST_CASE(credentials_that_cannot_be_used_are_named) {
  const node_credentials good = shared_cluster().node;
  const auto refusal = [](const node_credentials& with) { return tls_tunnel::exit({"127.0.0.1", "0"}, 1, with).failure(); };
  const auto names = [&](const node_credentials& with, const std::string& wanted) {
    const status why = refusal(with);
    BOOST_TEST((why.code() == errc::invalid_argument || why.code() == errc::not_found));
    BOOST_TEST(why.message().find(wanted) != std::string::npos, why.message());
  };
  names({good.own, {}}, "got some of the three");
  names({{"/missing.pem", good.own.key}, good.authority}, "/missing.pem");
  names({{good.own.key, good.own.key}, good.authority}, "want a certificate in PEM");
  names({{good.own.certificate, shared_cluster().router.own.key}, good.authority}, "router.key: want the key of");
  names({good.own, "/missing.pem"}, "/missing.pem");
  names({good.own, good.authority, shared_cluster().shared.secret}, "got both");
  names({.secret = "/missing.secret"}, "/missing.secret");
  names(shared_cluster().sharing("short", std::string(31, 's')), "short: want a secret of at least 32 characters, found 31");
  names(shared_cluster().sharing("lines", std::string(32, 's') + "\nmore"), "lines: want one line");
  const node_credentials open = shared_cluster().sharing("open", std::string(32, 's'));
  std::filesystem::permissions(open.secret, std::filesystem::perms(0640));
  names(open, "open: want a file that others may not read");
  BOOST_TEST((tls_tunnel::exit({"nosuch.invalid", "0"}, 1, good).failure().code() == errc::invalid_argument));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy::test

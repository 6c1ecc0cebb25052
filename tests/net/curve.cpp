// The message server and its clients with CURVE.
#include <sys/stat.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>
#include <zmq.hpp>

#include "net/curve_keys.hpp"
#include "net/message_server.hpp"
#include "net/search_client.hpp"
#include "tests/support/bare_client.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {
namespace {

using namespace std::chrono_literals;

struct curve_fixture {
  scratch_folder folder;
  std::string server_public = pair_in("server"), client_public = pair_in("client"), stranger_public = pair_in("stranger");
  std::filesystem::path clients = folder / "clients";
  std::atomic<int> taken = 0;
  std::unique_ptr<message_server> server;

  curve_fixture() {
    write_bytes(clients, "# who may ask\nclient read " + client_public + "\n");
    auto started = message_server::start("tcp://127.0.0.1:*", answer(), {}, {folder / "server", clients});
    require_ok(started.failure());
    server = std::move(started).value();
  }
  std::string pair_in(const std::string& name) const {
    auto open = write_curve_pair(folder / name);
    require_ok(open.failure());
    return *open;
  }
  // One result for each query.
  message_handler answer() {
    return [this](std::span<const std::byte> bytes, message_exchange exchange) {
      ++taken;
      const auto request = decode_request(bytes);
      if (request.ok()) exchange.answer(encode(wire_reply{request->id, std::vector<wire_answer>(request->queries.size())}));
    };
  }
  search_client client(const curve_client_files& files) const {
    auto made = search_client::connect(server->endpoint(), files);
    require_ok(made.failure());
    return std::move(made).value();
  }
  curve_client_files of(const std::string& name) const { return {folder / "server.pub", folder / name}; }
  static status asked(search_client& from, std::chrono::milliseconds patience) {
    return from.search({.queries = {{.text = "red dress"}}}, patience).failure();
  }
};

constexpr auto soon_enough = 30s;
constexpr auto in_vain = 300ms;  // of those who are not answered, however long they wait

}  // namespace

BOOST_FIXTURE_TEST_SUITE(curve, curve_fixture)

BOOST_AUTO_TEST_CASE(a_client_that_is_known_is_answered) {
  search_client one = client(of("client"));
  for (int i = 0; i < 100; ++i) require_ok(asked(one, soon_enough));
  BOOST_TEST(taken == 100);
}

BOOST_AUTO_TEST_CASE(who_is_not_known_reaches_nothing) {
  search_client stranger = client(of("stranger")), bare = client({});
  const curve_client_files wrong_server{folder / "stranger.pub", folder / "client"};
  search_client misled = client(wrong_server);
  for (search_client* one : {&stranger, &bare, &misled}) BOOST_TEST((asked(*one, in_vain).code() == errc::unavailable));
  bare_client rude(static_cast<std::uint16_t>(std::stoi(server->endpoint().substr(server->endpoint().rfind(':') + 1))));
  rude.send(std::string(100'000, '\x7f'));
  rude.read_all();
  BOOST_TEST(rude.is_closed());
  // Bytes as long as a greeting of another mechanism, and what follows it.
  std::string greeting("\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL", 16);
  greeting.resize(64, '\0');
  bare_client plain(static_cast<std::uint16_t>(std::stoi(server->endpoint().substr(server->endpoint().rfind(':') + 1))));
  plain.send(greeting + std::string("\x00\x03"
                                    "abc",
                                    5));
  plain.read_all();
  BOOST_TEST(plain.is_closed());
  search_client one = client(of("client"));
  check_ok(asked(one, soon_enough));
  BOOST_TEST(taken == 1);
}

BOOST_AUTO_TEST_CASE(who_is_taken_out_is_answered_no_more_and_who_is_put_in_is) {
  search_client one = client(of("client"));
  check_ok(asked(one, soon_enough));
  write_bytes(folder / "new", "stranger read " + stranger_public + "\n");
  std::filesystem::rename(folder / "new", clients);
  bool let_in = false;
  for (int tries = 0; tries < 200 && !let_in; ++tries) {
    search_client other = client(of("stranger"));
    let_in = asked(other, in_vain).ok();
  }
  BOOST_TEST(let_in);
  BOOST_TEST((asked(one, in_vain).code() == errc::unavailable));  // on the connection that it has
}

BOOST_AUTO_TEST_CASE(draining_answers_what_was_asked) {
  search_client one = client(of("client"));
  check_ok(asked(one, soon_enough));
  BOOST_TEST(server->drain(10s));
  search_client late = client(of("client"));
  BOOST_TEST((asked(late, in_vain).code() == errc::unavailable));
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_used_are_named) {
  const auto refused = [&](const curve_server_files& files, errc code, std::initializer_list<std::string_view> parts) {
    check_refused(message_server::start("tcp://127.0.0.1:*", answer(), {}, files).failure(), code, parts);
  };
  const std::filesystem::path own = folder / "server", none = folder / "none", open = folder / "server.pub";
  refused({none, clients}, errc::not_found, {none.string()});
  refused({own, none}, errc::not_found, {none.string()});
  refused({open, clients}, errc::invalid_argument, {open.string() + ": want a file that others may not read, found mode 06"});
  write_bytes(folder / "short", "abc\n");
  ::chmod((folder / "short").c_str(), 0600);
  refused({folder / "short", clients}, errc::invalid_argument,
          {"short: want a secret key of 40 characters, as `argosy key curve` writes it, found 3"});
  write_bytes(clients, "client read\n");
  refused({own, clients}, errc::invalid_argument, {clients.string() + ":1: want NAME RIGHTS PUBLICKEY, found 2 words"});
  check_refused(search_client::connect(server->endpoint(), {folder / "short", own}).failure(), errc::invalid_argument,
                {"short: want a public key of 40 characters"});
  check_refused(search_client::connect(server->endpoint(), {open, none}).failure(), errc::not_found, {none.string()});
}

BOOST_AUTO_TEST_CASE(pairs_are_written_once) {
  const std::string secret = bytes_of_file(folder / "client");
  check_refused(write_curve_pair(folder / "client").failure(), errc::invalid_argument, {"client: File exists"});
  BOOST_TEST(bytes_of_file(folder / "client") == secret);
  struct stat found {};
  BOOST_REQUIRE(::stat((folder / "client").c_str(), &found) == 0);
  BOOST_TEST((found.st_mode & 0777) == 0600u);
  BOOST_TEST(read_curve_secret(folder / "client").value().public_key == client_public);
  BOOST_TEST(read_curve_public(folder / "client.pub").value() == client_public);
  write_bytes(folder / "half.pub", "there already");
  check_refused(write_curve_pair(folder / "half").failure(), errc::invalid_argument, {"half.pub: File exists"});
  BOOST_TEST(!std::filesystem::exists(folder / "half"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test

// The HTTP server and its client over TLS.
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <thread>

#include "net/http_client.hpp"
#include "net/http_server.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/secure_client.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {
namespace {

using namespace std::chrono_literals;

void echo(http_request request, http_exchange exchange) {
  exchange.answer({200, request.method + " " + request.target + " " + request.body + " end\n", "text/plain"});
}

bool holds(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

struct tls_fixture {
  scratch_folder folder;
  certificate_authority authority{folder.path(), "authority"};
  tls_files files = authority.issue("server", "IP:127.0.0.1");

  std::unique_ptr<http_server> started(const http_limits& limits = {}, const tls_files& with = {}, http_gate admit = {}) const {
    auto server = http_server::start("127.0.0.1:0", echo, limits, {.tls = with.key.empty() ? files : with, .admit = std::move(admit)});
    require_ok(server.failure());
    return std::move(server).value();
  }
  secure_client client_of(const http_server& server) const { return secure_client(server.port(), authority.certificate()); }
  status refusal_of(const tls_files& with) const { return http_server::start("127.0.0.1:0", echo, {}, {.tls = with}).failure(); }
  static std::string address_of(const http_server& server, const std::string& host = "127.0.0.1") {
    return host + ":" + std::to_string(server.port());
  }
};

unsigned code_of(http_client& from, std::uint64_t number) {
  from.get("/", number);
  std::vector<http_answer> answers;
  for (int waits = 0; waits < 20'000 && answers.empty(); ++waits) {
    from.take(answers);
    if (answers.empty()) std::this_thread::sleep_for(1ms);
  }
  BOOST_REQUIRE(answers.size() == 1u);
  return answers.front().code;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tls, tls_fixture)

BOOST_AUTO_TEST_CASE(requests_are_answered_as_without) {
  const auto server = started();
  secure_client one = client_of(*server);
  one.send("GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n");
  BOOST_TEST(holds(one.read_until(" end\n"), "\r\n\r\nGET /a?b=c  end\n"));
  const std::string body(300'000, 'y');  // many records
  one.send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + body +
           "GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string others = one.read_all();
  BOOST_TEST(holds(others, "POST /p " + body + " end\n"));
  BOOST_TEST(others.ends_with("GET /2  end\n"));
  BOOST_TEST(one.was_told_the_end());
}

BOOST_AUTO_TEST_CASE(versions_that_are_out_of_date_are_refused) {
  const auto server = started();
  BOOST_CHECK_THROW(secure_client(server->port(), authority.certificate(), TLS1_1_VERSION), std::runtime_error);
  secure_client one(server->port(), authority.certificate(), TLS1_2_VERSION);
  one.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  BOOST_TEST(holds(one.read_until(" end\n"), "200 OK"));
}

BOOST_AUTO_TEST_CASE(what_is_no_tls_is_closed_without_an_answer) {
  const auto server = started();
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), std::string(5000, '\xff'), std::string("\x16\x03\x01\xff\xff", 5)}) {
    bare_client rude(server->port());
    rude.send(bytes);
    ::shutdown(rude.socket(), SHUT_WR);
    BOOST_TEST(!holds(rude.read_all(), "HTTP"));
  }
  secure_client one = client_of(*server);
  one.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  BOOST_TEST(holds(one.read_until(" end\n"), "200 OK"));
}

BOOST_AUTO_TEST_CASE(who_is_slow_with_the_handshake_is_closed_and_keeps_nobody_out) {
  const auto server = started({.connections = 20, .reading = 3s, .idle = 60s});
  std::vector<std::unique_ptr<bare_client>> silent;
  for (int i = 0; i < 100; ++i) {
    silent.push_back(std::make_unique<bare_client>(server->port()));
    silent.back()->send(std::string("\x16\x03\x01\x02\x00\x01", 6));  // the beginning of a greeting
  }
  secure_client one = client_of(*server);
  one.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  BOOST_TEST(holds(one.read_until(" end\n"), "200 OK"));
  BOOST_TEST(server->connections() <= 20u);
  for (const auto& each : silent) {
    BOOST_TEST(!holds(each->read_all(), "HTTP"));
    BOOST_TEST(each->is_closed());
  }
}

BOOST_AUTO_TEST_CASE(who_goes_on_sending_what_was_refused_still_reads_why) {
  const auto server = started({.body_bytes = 100});
  secure_client one = client_of(*server);
  one.send("POST / HTTP/1.1\r\nContent-Length: 4000000\r\n\r\n");
  const std::string much(1'000'000, 'x');
  for (int i = 0; i < 4; ++i) one.send(much);
  BOOST_TEST(one.read_all().starts_with("HTTP/1.1 413 "));
}

BOOST_AUTO_TEST_CASE(a_body_of_who_may_not_ask_is_not_waited_for) {
  const http_gate admit = [](const http_request& request) -> std::optional<http_reply> {
    if (request.authorization == "Bearer good") return std::nullopt;
    return http_reply{401, "kept out\n"};
  };
  const auto server = started({}, {}, admit);
  const auto answer_to = [&](const std::string& bytes) {
    secure_client one = client_of(*server);
    one.send(bytes);
    return one.read_until("\n\n");
  };
  // Of the body nothing is sent.
  BOOST_TEST(answer_to("PUT /a HTTP/1.1\r\nContent-Length: 1000\r\n\r\n").starts_with("HTTP/1.1 401 "));
  BOOST_TEST(answer_to("PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nAuthorization: Bearer bad\r\n\r\n").starts_with("HTTP/1.1 401 "));
  BOOST_TEST(answer_to("PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n").starts_with("HTTP/1.1 401 "));
  const std::string good = "PUT /a HTTP/1.1\r\nConnection: close\r\nAuthorization: Bearer good\r\nContent-Length: 4\r\n\r\nbody";
  BOOST_TEST(holds(answer_to(good), "PUT /a body end\n"));
}

BOOST_AUTO_TEST_CASE(draining_answers_what_was_asked_and_closes_the_rest) {
  const auto server = started();
  secure_client idle = client_of(*server);
  idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  BOOST_TEST(holds(idle.read_until(" end\n"), "200 OK"));
  BOOST_TEST(server->drain(10s));
  BOOST_TEST(idle.read_all() == "");
}

BOOST_AUTO_TEST_CASE(the_client_asks_over_tls_and_finds_a_server_that_comes_back) {
  auto server = started();
  const std::string address = address_of(*server);
  const auto client = http_client::connect(address, 2, {.secure = true, .authorities = authority.certificate()});
  require_ok(client.failure());
  BOOST_TEST(code_of(*client.value(), 1) == 200u);
  server.reset();
  BOOST_TEST(code_of(*client.value(), 2) == 0u);
  auto again = http_server::start(address, echo, {}, {.tls = files});
  require_ok(again.failure());
  bool back = false;
  for (std::uint64_t i = 3; i < 50 && !back; ++i) back = code_of(*client.value(), i) == 200;
  BOOST_TEST(back);
}

BOOST_AUTO_TEST_CASE(the_client_believes_its_authority_and_the_right_name_alone) {
  const certificate_authority stranger(folder.path(), "stranger");
  const auto refused = [&](const http_server& server, const std::filesystem::path& believed, const std::string& host,
                           std::string_view part) {
    const std::string address = address_of(server, host);
    check_refused(http_client::connect(address, 1, {.secure = true, .authorities = believed}).failure(), errc::io_error,
                  {address, "TLS: ", part});
  };
  const auto server = started();
  refused(*server, stranger.certificate(), "127.0.0.1", "unable to get local issuer certificate");
  refused(*server, {}, "127.0.0.1", "unable to get local issuer certificate");
  refused(*server, authority.certificate(), "localhost", "ostname mismatch");
  const auto named = started({}, authority.issue("named", "DNS:localhost"));
  refused(*named, authority.certificate(), "127.0.0.1", "IP address mismatch");
  require_ok(http_client::connect(address_of(*named, "localhost"), 1, {.secure = true, .authorities = authority.certificate()}).failure());
  const auto plain = http_server::start("127.0.0.1:0", echo);
  require_ok(plain.failure());
  refused(*plain.value(), authority.certificate(), "127.0.0.1", "wrong version number");
  check_refused(http_client::connect(address_of(*server), 1, {.secure = true, .authorities = folder / "none"}).failure(), errc::not_found,
                {"none"});
  check_refused(http_client::connect(address_of(*server), 1, {.secure = true, .authorities = files.key}).failure(), errc::invalid_argument,
                {files.key.string() + ": want certificates in PEM"});
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_used_are_named) {
  const auto refused = [&](const tls_files& with, const std::filesystem::path& named, std::string_view part) {
    const status why = refusal_of(with);
    BOOST_TEST(!why.ok());
    BOOST_TEST(why.message().starts_with(named.string() + ": "), why.message());
    BOOST_TEST(holds(why.message(), part), why.message());
  };
  const tls_files other = authority.issue("other", "IP:127.0.0.1"), locked = authority.issue("locked", "IP:127.0.0.1", "password");
  refused({folder / "none", files.key}, folder / "none", "No such file");
  refused({files.certificate, folder / "none"}, folder / "none", "No such file");
  refused({files.key, files.key}, files.key, "want a certificate in PEM, found: ");
  refused({files.certificate, other.key}, other.key,
          "want the key of " + files.certificate.string() + " in PEM, without a password, found: key values mismatch");
  refused({files.certificate, files.certificate}, files.certificate, "want a file that others may not read, found mode 0644");
  refused(locked, locked.key, "without a password, found: ");
  write_bytes(folder / "empty", "");
  refused({folder / "empty", files.key}, folder / "empty", "want a certificate in PEM");
  ::chmod(files.key.c_str(), 0604);
  refused(files, files.key, "want a file that others may not read, found mode 0604; chmod 0600 mends it");
  ::chmod(files.key.c_str(), 0640);  // a group of those who may
  check_ok(refusal_of(files));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test

// `argosy serve` with keys, TLS and CURVE: the real server, asked by those who may and those who may not.
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "net/search_client.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/status.hpp"
#include "tests/system/running_server.hpp"
#include "tests/system/small_shop.hpp"

namespace argosy::test {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Keys of three clients.
struct keyed_shop {
  scratch_folder folder;
  fs::path store = folder / "store", keys = folder / "keys";
  std::string reader, writer, gone;
  keyed_shop() {
    must_run(publish_arguments(shared_small_shop(), store));
    reader = made("reader", "read");
    gone = made("gone", "write");
    writer = made("writer", "write");
  }
  std::string made(const std::string& name, const std::string& rights) const {
    std::string key = must_run({"key", "new", "--name", name, "--rights", rights, "--keys", keys});
    BOOST_REQUIRE(key.ends_with('\n'));
    key.pop_back();
    return key;
  }
  void revoke(const std::string& name) const {
    std::string text = bytes_of_file(keys);
    const auto begin = text.find(name + " ");
    BOOST_REQUIRE(begin != std::string::npos);
    text.erase(begin, text.find('\n', begin) + 1 - begin);
    write_bytes(keys, text);
  }
};

std::string bearer(const std::string& key) { return key.empty() ? key : "Authorization: Bearer " + key + "\r\n"; }

// All that a server beyond this machine needs.
struct reachable_shop : keyed_shop {
  certificate_authority authority{folder.path(), "authority"};
  tls_files tls = authority.issue("server", "IP:127.0.0.1,DNS:localhost");
  fs::path server_key = folder / "server.curve", client_key = folder / "client.curve", clients = folder / "clients";
  reachable_shop() {
    must_run({"key", "curve", server_key});
    write_bytes(clients, "client read " + must_run({"key", "curve", client_key}));
  }
  std::vector<std::string> http_options() const { return {"--keys", keys, "--tls-certificate", tls.certificate, "--tls-key", tls.key}; }
  std::vector<std::string> curve_options() const { return {"--curve-secret", server_key, "--curve-clients", clients}; }
  curve_client_files client() const { return {server_key.string() + ".pub", client_key}; }
};

wire_reply reply_to(const std::string& endpoint, const curve_client_files& files, const wire_query& query) {
  auto client = search_client::connect(endpoint, files);
  require_ok(client.failure());
  auto reply = client->search({.queries = {query}}, std::chrono::seconds(60));
  require_ok(reply.failure());
  return std::move(reply).value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(secured)

BOOST_AUTO_TEST_CASE(every_path_answers_those_who_may) {
  const keyed_shop shop;
  running_server server(shop.store, {"--keys", shop.keys, "--writable"});
  const auto code = [&](const std::string& target, const std::string& method, const std::string& key, const std::string& body = {}) {
    return server.ask(target, method, body, bearer(key)).code;
  };
  const std::string unknown = "argosy-" + std::string(64, '0'),
                    id = server.ask("/v1/search?q=red+dress&k=1", "GET", {}, bearer(shop.reader)).object().at("results")[0].at("id");
  for (const std::string open : {"/", "/search.css", "/search.js", "/healthz", "/readyz"}) {
    BOOST_TEST(code(open, "GET", "") == 200, open);
    BOOST_TEST(code(open, "HEAD", unknown) == 200, open);
    BOOST_TEST(code(open, "POST", "") == 401, open);
  }
  for (const std::string& target : {std::string("/v1/search?q=red"), "/v1/products/" + id, std::string("/metrics")}) {
    BOOST_TEST(code(target, "GET", "") == 401, target);
    BOOST_TEST(code(target, "GET", unknown) == 401, target);
    BOOST_TEST(code(target, "GET", shop.reader + "0") == 401, target);
    BOOST_TEST(code(target, "GET", shop.reader) == 200, target);
    BOOST_TEST(code(target, "GET", shop.writer) == 200, target);
  }
  for (const std::string& target : {std::string("/v1/products/none"), std::string("/elsewhere"), "/v1/products/" + id + "/image"}) {
    BOOST_TEST(code(target, "GET", "") == 401, target);
    BOOST_TEST(code(target, "GET", shop.reader) == 404, target);
  }
  const std::string product = R"({"title": "red zeppelin"})", one = "/v1/products/77";
  const std::pair<std::string, std::string> changes[] = {{"PUT", product}, {"PATCH", R"({"price": 3})"}, {"DELETE", ""}};
  for (const auto& [method, body] : changes) {
    BOOST_TEST(code(one, method, "", body) == 401, method);
    BOOST_TEST(code(one, method, unknown, body) == 401, method);
    BOOST_TEST(code(one, method, shop.reader, body) == 403, method);
  }
  BOOST_TEST(code("/v1/products", "POST", shop.reader, R"({"remove": "77"})") == 403);
  BOOST_TEST(code(one, "GET", shop.reader) == 404);  // none of it changed anything
  BOOST_TEST(code(one, "PUT", shop.writer, product) == 201);
  BOOST_TEST(code(one, "PATCH", shop.writer, R"({"price": 3})") == 200);
  BOOST_TEST(code("/v1/products", "POST", shop.writer, R"({"patch": {"id": "77", "price": 4}})") == 200);
  BOOST_TEST(code(one, "DELETE", shop.writer) == 204);

  // Whoever is kept out is told how to come in, and nothing else.
  const http_answered none = server.ask("/v1/search?q=red");
  BOOST_TEST(holds(none.head, "WWW-Authenticate: Bearer realm=\"argosy\"\r\n"), none.head);
  BOOST_TEST(none.object() == json({{"error", "want a key: Authorization: Bearer KEY"}}));
  for (const std::string odd : {"Authorization: Basic YTpi\r\n", "Authorization: Bearer\r\n", "Authorization: Bearer \r\n",
                                "Authorization: bearer  \r\n", "Authorization: \r\n"})
    BOOST_TEST(server.ask("/metrics", "GET", {}, odd).code == 401, odd);
  BOOST_TEST(server.ask("/metrics", "GET", {}, "authorization: bearer " + shop.reader + "\r\n").code == 200);
  const http_answered weak = server.ask(one, "DELETE", {}, bearer(shop.reader));
  BOOST_TEST(holds(weak.body, "want a key that may write, got that of reader, which may read"), weak.body);
  // Its page is of another host's name, which a key makes up for.
  BOOST_TEST(server.ask(one, "PUT", product, bearer(shop.writer) + "Origin: http://shop.example\r\n").code == 201);
  const std::string metrics = server.ask("/metrics", "GET", {}, bearer(shop.reader)).body;
  BOOST_TEST(holds(metrics, "argosy_http_requests_total{path=\"/v1/search\",code=\"401\"} 4\n"), metrics);
  BOOST_TEST(server.end() == 0);
}

BOOST_AUTO_TEST_CASE(a_key_that_was_taken_out_opens_nothing_any_more) {
  const keyed_shop shop;
  running_server server(shop.store, {"--keys", shop.keys});
  const auto code = [&](const std::string& key) { return server.ask("/metrics", "GET", {}, bearer(key)).code; };
  BOOST_TEST(code(shop.gone) == 200);
  shop.revoke("gone");
  int waits = 0;
  while (code(shop.gone) == 200 && ++waits < 2000) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  BOOST_TEST(code(shop.gone) == 401);
  BOOST_TEST(code(shop.reader) == 200);
  // A file that is wrong changes nothing; one that is right again does.
  const std::string good = bytes_of_file(shop.keys);
  write_bytes(shop.keys, "reader\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  BOOST_TEST(code(shop.reader) == 200);
  write_bytes(shop.keys, good);
  const std::string late = shop.made("late", "read");
  for (waits = 0; code(late) == 401 && waits < 2000; ++waits) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  BOOST_TEST(code(late) == 200);
  BOOST_TEST(server.end() == 0);
}

BOOST_AUTO_TEST_CASE(key_files_that_cannot_be_used_are_refused) {
  const keyed_shop shop;
  const auto refused = [&](const std::string& part) {
    const finished end = run_argosy({"serve", "--store", shop.store, "--http", "127.0.0.1:0", "--keys", shop.keys});
    BOOST_TEST(end.exit_code == 1);
    BOOST_TEST(holds(end.err, "--keys: " + shop.keys.string() + part), end.err);
  };
  fs::permissions(shop.keys, fs::perms::group_read, fs::perm_options::add);
  refused(": want a file that others may not read, found mode 0640; chmod 0600 mends it");
  fs::permissions(shop.keys, fs::perms::group_read, fs::perm_options::remove);
  write_bytes(shop.keys, bytes_of_file(shop.keys) + "fourth all 12\n");
  refused(":4: want read or write, found `all`");
  fs::remove(shop.keys);
  refused(": ");
  const finished twice = run_argosy({"key", "new", "--name", "a b", "--keys", shop.keys});
  BOOST_TEST(twice.exit_code == 1);
  BOOST_TEST(holds(twice.err, "--name: want a name of 1 to 64 letters"), twice.err);
}

BOOST_AUTO_TEST_CASE(what_is_asked_over_tls_and_curve_is_answered_as_without) {
  const reachable_shop shop;
  running_server plain(shop.store);
  std::vector<std::string> all = shop.http_options();
  for (const auto& word : shop.curve_options()) all.push_back(word);
  for (const bool everywhere : {false, true}) {
    std::vector<std::string> more = all;
    if (everywhere) more.insert(more.end(), {"--http", "0.0.0.0:0", "--zmq", "tcp://0.0.0.0:*"});
    running_server server(shop.store, more);
    BOOST_TEST(server.ask("/healthz").code == 0);  // without TLS nothing is said
    server.trust(shop.authority.certificate());
    BOOST_TEST(server.ask("/healthz").code == 200);
    for (const std::string target : {"/v1/search?q=red+dress&k=7", "/v1/search?q=shoes&channel=hybrid"}) {
      BOOST_TEST(server.ask(target).code == 401);
      json wanted = plain.ask(target).object(), found = server.ask(target, "GET", {}, bearer(shop.reader)).object();
      for (json* one : {&wanted, &found}) one->erase("seconds");
      BOOST_TEST(found == wanted);
      BOOST_TEST(!found.at("results").empty());
    }
    std::string endpoint = server.messages();
    if (everywhere) endpoint.replace(0, std::string("tcp://0.0.0.0").size(), "tcp://127.0.0.1");
    const wire_query query{.text = "red dress", .k = 7, .titles = true};
    const wire_reply wanted = reply_to(plain.messages(), {}, query), found = reply_to(endpoint, shop.client(), query);
    BOOST_REQUIRE(found.answers.front().results.size() == 7u);
    BOOST_TEST((encode(found) == encode(wanted)));
    auto stranger = search_client::connect(endpoint);
    require_ok(stranger.failure());
    BOOST_TEST((stranger->search({.queries = {query}}, std::chrono::milliseconds(500)).failure().code() == errc::unavailable));
    BOOST_TEST(server.end() == 0);
  }
  BOOST_TEST(plain.end() == 0);
}

// Whatever is missing, nothing is bound to, and what would make it is told.
BOOST_AUTO_TEST_CASE(beyond_this_machine_nothing_starts_without_all_of_it) {
  const reachable_shop shop;
  const auto refused = [&](const std::vector<std::string>& more, std::initializer_list<std::string> parts) {
    std::vector<std::string> words{"serve", "--store", shop.store};
    words.insert(words.end(), more.begin(), more.end());
    const finished end = run_argosy(words);
    BOOST_TEST(end.exit_code == 1);
    for (const std::string& part : parts) BOOST_TEST(holds(end.err, part), end.err << " without " << part);
    return end.err;
  };
  for (const std::string host : {"0.0.0.0", "[::]", "192.0.2.1", "shop.example", "*"})
    refused({"--http", host + ":0"}, {"--http: want 127.0.0.1, localhost or [::1], or keys and TLS, got `" + host +
                                          "` without --keys and --tls-certificate and --tls-key",
                                      "argosy key new --name NAME --rights read --keys keys", "openssl req -x509 "});
  refused({"--http", "0.0.0.0:0", "--keys", shop.keys}, {"without --tls-certificate and --tls-key."});
  refused({"--http", "0.0.0.0:0", "--tls-certificate", shop.tls.certificate, "--tls-key", shop.tls.key}, {"without --keys."});
  for (const std::string host : {"0.0.0.0", "*", "[::]", "lo", "192.0.2.1"})
    refused({"--http", "127.0.0.1:0", "--zmq", "tcp://" + host + ":5555"},
            {"--zmq: want 127.0.0.1 or [::1], or CURVE, got `" + host + "` without --curve-secret and --curve-clients",
             "argosy key curve server.curve"});
  // Half of a pair is a mistake of the command line.
  for (const std::string half : {"--tls-certificate", "--tls-key", "--curve-secret", "--curve-clients"})
    BOOST_TEST(run_argosy({"serve", "--store", shop.store, half, shop.keys}).exit_code == 2);
  const tls_files other = shop.authority.issue("other", "IP:127.0.0.1");
  refused({"--http", "127.0.0.1:0", "--tls-certificate", shop.tls.certificate, "--tls-key", other.key},
          {other.key.string() + ": want the key of " + shop.tls.certificate.string()});
  refused({"--http", "127.0.0.1:0", "--zmq", "tcp://127.0.0.1:*", "--curve-secret", shop.server_key, "--curve-clients", shop.keys},
          {"--zmq: " + shop.keys.string() + ":1: want a public key of 40 characters"});
}

BOOST_AUTO_TEST_CASE(load_is_put_on_a_server_with_all_of_it) {
  const reachable_shop shop;
  std::vector<std::string> all = shop.http_options();
  for (const auto& word : shop.curve_options()) all.push_back(word);
  running_server server(shop.store, all);
  const fs::path key = shop.folder / "reader.key";
  write_bytes(key, shop.reader + "\n");
  fs::permissions(key, fs::perms::owner_read | fs::perms::owner_write);
  const auto load = [&](const std::string& at, const std::vector<std::string>& more) {
    std::vector<std::string> words{"bench",     "serve", "--at",      at,  "--log", shared_small_shop().log,
                                   "--seconds", "0.3",   "--warm-up", "0", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return json::parse(must_run(words));
  };
  const std::string address = "https://localhost:" + std::to_string(server.port());
  const json http = load(address, {"--key-file", key, "--ca", shop.authority.certificate(), "--connections", "4", "--ahead", "16"});
  BOOST_TEST(http.at("answered_per_s").get<double>() > 0);
  BOOST_TEST(http.at("errors") == 0);
  const json messages = load(server.messages(), {"--curve-server", shop.server_key.string() + ".pub", "--curve-secret", shop.client_key});
  BOOST_TEST(messages.at("answered_per_s").get<double>() > 0);
  const json without = load(address, {"--ca", shop.authority.certificate(), "--connections", "4", "--ahead", "16"});
  BOOST_TEST(without.at("answered_per_s").get<double>() == 0);  // 401
  BOOST_TEST(server.end() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test

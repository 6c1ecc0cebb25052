// `argosy serve`: the real server, asked over HTTP.
#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/bare_client.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/process.hpp"
#include "tests/system/running_server.hpp"
#include "tests/system/small_shop.hpp"

namespace argosy::test {
namespace {

using nlohmann::json;
using reply = http_answered;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

struct served_shop {
  scratch_folder folder;
  fs::path store = folder / "store";
  served_shop() { must_run(publish_arguments(shared_small_shop(), store)); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(serve)

BOOST_AUTO_TEST_CASE(it_answers_as_search_does) {
  const auto& shop = shared_small_shop();
  running_server server(shop.store);
  BOOST_TEST(server.ask("/healthz").code == 200);
  BOOST_TEST(server.ask("/readyz").code == 200);
  for (const std::string channel : {"semantic", "lexical", "hybrid"}) {
    const json printed = json::parse(must_run({"search", "--store", shop.store, "--json", "-k", "7", "--channel", channel, "red dress"}));
    const reply answered = server.ask("/v1/search?q=red+dress&k=7&channel=" + channel);
    BOOST_TEST(answered.code == 200);
    const json object = answered.object();
    BOOST_TEST(object.at("generation") == 1);
    for (const char* key : {"query", "source", "restricted", "results"}) BOOST_TEST(object.at(key) == printed.at(key), key);
  }
  const json first = server.ask("/v1/search?q=red%20dress&k=1").object().at("results")[0];
  const reply product = server.ask("/v1/products/" + first.at("id").get<std::string>());
  BOOST_TEST(product.code == 200);
  BOOST_TEST(product.object().at("title") == first.at("title"));
  const std::string metrics = server.ask("/metrics").body;
  BOOST_TEST(holds(metrics, "argosy_http_requests_total{path=\"/v1/search\",code=\"200\"} 4\n"), metrics);
  BOOST_TEST(holds(metrics, "argosy_search_seconds_count 4\n"), metrics);
  BOOST_TEST(holds(metrics, "argosy_products 60\n"), metrics);
  BOOST_TEST(server.end() == 0);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_named) {
  running_server server(shared_small_shop().store);
  const auto refused = [&](const std::string& target, int code, const std::string& part) {
    const reply answered = server.ask(target);
    BOOST_TEST(answered.code == code, target);
    BOOST_TEST(holds(answered.object().at("error"), part), answered.body);
    return answered.object();
  };
  BOOST_TEST(refused("/v1/search", 400, "want a query of 1 to 1000 bytes").at("parameter") == "q");
  BOOST_TEST(refused("/v1/search?q=" + std::string(1001, 'x'), 400, "1 to 1000 bytes").at("parameter") == "q");
  BOOST_TEST(refused("/v1/search?q=%21%21%21", 400, "q: ").at("parameter") == "q");
  BOOST_TEST(refused("/v1/search?q=%FF", 400, "q: ").at("parameter") == "q");
  BOOST_TEST(refused("/v1/search?q=a&k=0", 400, "1 to 1000, got `0`").at("parameter") == "k");
  BOOST_TEST(refused("/v1/search?q=a&k=-1", 400, "got `-1`").at("parameter") == "k");
  BOOST_TEST(refused("/v1/search?q=a&channel=best", 400, "semantic, lexical or hybrid").at("parameter") == "channel");
  BOOST_TEST(refused("/v1/search?q=a&restrict=yes", 400, "0 or 1").at("parameter") == "restrict");
  BOOST_TEST(refused("/v1/search?q=a&filter=AND", 400, "column 1").at("parameter") == "filter");
  BOOST_TEST(refused("/v1/search?q=a&filter=nosuch:1", 400, "no field is called nosuch").at("parameter") == "filter");
  refused("/v1/search?q=a&filter=" + std::string(40, '(') + "x:1" + std::string(40, ')'), 400, "within each other");
  BOOST_TEST(refused("/v1/search?q=a&colour=red", 400, "is no parameter").at("parameter") == "colour");
  refused("/v1/search?q=a&q=b", 400, "`q` is there twice");
  refused("/v1/search?q=%4", 400, "two hexadecimal digits");
  refused("/v1/products/none", 404, "no product is called none");
  refused("/elsewhere", 404, "/v1/search");
  BOOST_TEST(server.ask("/v1/search?q=a", "POST").code == 405);
  BOOST_TEST(server.end() == 0);

  const auto elsewhere = run_argosy({"serve", "--store", shared_small_shop().store, "--http", "0.0.0.0:0"});
  BOOST_TEST(elsewhere.exit_code == 1);
  BOOST_TEST(holds(elsewhere.err, "want 127.0.0.1, localhost or [::1], got `0.0.0.0`"), elsewhere.err);
}

// Products that go and generations that come, while somebody asks without a pause.
BOOST_AUTO_TEST_CASE(changes_and_generations_are_taken_up_without_a_failed_query) {
  const served_shop shop;
  running_server server(shop.store, {"--threads", "2", "--deadline-ms", "600000"});
  std::atomic<bool> stop = false;
  std::atomic<int> asked = 0, failed = 0;
  std::thread asking([&] {
    while (!stop) {
      failed += server.ask("/v1/search?q=red+dress&k=3").code == 200 ? 0 : 1;
      ++asked;
    }
  });
  const auto generation_is = [&](int number) {
    return server.soon("/v1/search?q=blue+shoes", [&](const reply& answered) { return answered.object().at("generation") == number; });
  };
  const std::string gone = server.ids("/v1/search?q=red+dress&k=1").front();
  write_bytes(shop.folder / "ids.txt", gone + "\n");
  must_run({"change", "--store", shop.store, "--remove", shop.folder / "ids.txt"});
  BOOST_TEST(server.soon("/v1/products/" + gone, [](const reply& answered) { return answered.code == 404; }));
  BOOST_TEST(server.soon("/v1/search?q=red+dress&k=60", [&](const reply& answered) { return !holds(answered.body, "\"" + gone + "\""); }));
  for (int number = 2; number <= 4; ++number) {
    must_run(publish_arguments(shared_small_shop(), shop.store));
    BOOST_TEST(generation_is(number));
  }
  must_run({"generations", "--store", shop.store, "rollback", "--to", "2"});
  BOOST_TEST(generation_is(2));
  stop = true;
  asking.join();
  BOOST_TEST(asked > 10);
  BOOST_TEST(failed == 0);
  BOOST_TEST(server.end() == 0);
}

// A damaged generation that became current is not taken up: the one before goes on.
BOOST_AUTO_TEST_CASE(what_cannot_be_opened_changes_nothing) {
  const served_shop shop;
  running_server server(shop.store);
  const auto before = server.ids("/v1/search?q=red+dress");
  write_bytes(shop.store / "CURRENT", "000009 nothing\n");
  std::this_thread::sleep_for(500ms);
  BOOST_TEST(server.ids("/v1/search?q=red+dress") == before);
  BOOST_TEST(server.ask("/readyz").code == 200);
  BOOST_TEST(server.end() == 0);
}

BOOST_AUTO_TEST_CASE(many_at_once_are_answered_or_told_to_come_again) {
  running_server server(shared_small_shop().store, {"--waiting", "2", "--threads", "1", "--deadline-ms", "600000"});
  std::atomic<int> answered = 0, later = 0, others = 0;
  std::vector<std::thread> asking;
  for (int i = 0; i < 16; ++i) {
    asking.emplace_back([&] {
      for (int times = 0; times < 20; ++times) {
        const int code = server.ask("/v1/search?q=red+dress&live=1").code;
        ++(code == 200 ? answered : code == 429 ? later : others);
      }
    });
  }
  for (auto& one : asking) one.join();
  BOOST_TEST(answered > 0);
  BOOST_TEST(others == 0);
  BOOST_TEST(answered + later == 320);
  BOOST_TEST(server.end() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test

// `argosy serve`: the real server, asked over HTTP.
#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "data/records.hpp"
#include "index/live_store.hpp"
#include "search/image_weights.hpp"
#include "search/terms_of.hpp"
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

// What a catalogue says of a product, by its record.
json record_of(const fs::path& catalogue, const std::string& id) {
  json found;
  const auto take = [&](std::uint64_t, const product_record& one) -> status {
    if (one.id != id) return {};
    found = {{"title", one.title}, {"image", one.image}, {"fields", json::object()}};
    for (const auto& value : one.further)
      found["fields"][value.field].push_back(value.number ? json(std::stod(value.text)) : json(value.text));
    return {};
  };
  BOOST_REQUIRE(read_products(catalogue, take, [](const refusal&) {}).ok());
  return found;
}

// Every value of a field, of the products of an answer, and how many have it.
std::map<std::string, int> counted_by_hand(const running_server& server, const json& results, const std::string& field) {
  std::map<std::string, int> counts;
  for (const auto& one : results) {
    const json fields = server.ask("/v1/products/" + one.at("id").get<std::string>()).object().at("fields");
    if (!fields.contains(field)) continue;
    for (const auto& value : fields.at(field)) ++counts[value.get<std::string>()];
  }
  return counts;
}

std::string image_of(const running_server& server, const std::string& id) {
  return server.ask("/v1/products/" + id).object().at("image").get<std::string>();
}

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
  BOOST_TEST(holds(elsewhere.err, "want 127.0.0.1, localhost or [::1], or keys and TLS, got `0.0.0.0`"), elsewhere.err);
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

BOOST_AUTO_TEST_CASE(a_product_has_the_fields_of_its_record) {
  const auto& shop = shared_small_shop();
  running_server server(shop.store);
  for (const std::string& id : server.ids("/v1/search?q=red+dress&k=5")) {
    const json product = server.ask("/v1/products/" + id).object(), wanted = record_of(shop.catalogue, id);
    for (const char* key : {"title", "image", "fields"}) BOOST_TEST(product.at(key) == wanted.at(key), product.dump());
    BOOST_TEST(product.at("fields").at("price")[0].is_number_integer());
    BOOST_TEST(product.at("fields").contains("attributes.audience"));
    BOOST_TEST(!product.contains("not_kept"));
    const auto from = generation::open_current(shop.store);
    const float weight = image_weights::open(*from)->of(from->row_of(id).value()).value();
    BOOST_TEST(product.at("weights") == json({{"title", 1 - weight}, {"image", weight}}), product.dump());
  }
  BOOST_TEST(server.end() == 0);
}

BOOST_AUTO_TEST_CASE(facets_count_the_best_and_a_filter_narrows_to_one) {
  running_server server(shared_small_shop().store);
  const json answer = server.ask("/v1/search?q=red+dress&k=3&facets=1").object();
  BOOST_TEST(answer.at("results").size() == 3u);
  BOOST_TEST(!server.ask("/v1/search?q=red+dress&k=3").object().contains("facets"));
  const json best = server.ask("/v1/search?q=red+dress&k=100").object().at("results");
  BOOST_REQUIRE(best.size() == 60u);  // all of the shop
  for (std::size_t i = 0; i < 3; ++i) BOOST_TEST(answer.at("results")[i] == best[i]);
  std::set<std::string> fields;
  for (const auto& facet : answer.at("facets")) {
    const std::string field = facet.at("field");
    fields.insert(field);
    const auto wanted = counted_by_hand(server, best, field);
    BOOST_TEST(facet.at("values").size() == std::min<std::size_t>(wanted.size(), 10));
    int before = 1000;
    for (const auto& value : facet.at("values")) {
      const int count = value.at("count");
      BOOST_TEST(wanted.at(value.at("value")) == count);
      BOOST_TEST(count <= before);
      before = count;
    }
  }
  for (const char* field : {"brand", "category", "colour", "attributes.audience"}) BOOST_TEST(fields.contains(field), field);
  BOOST_TEST(!fields.contains("price"));
  BOOST_TEST(answer.at("facets")[0].at("field") == "brand");

  const std::string brand = answer.at("facets")[0].at("values")[0].at("value");
  const int count = answer.at("facets")[0].at("values")[0].at("count");
  const json narrowed = server.ask("/v1/search?q=red+dress&k=60&facets=1&filter=%22brand%22:(%22" + brand + "%22)").object();
  BOOST_TEST(narrowed.at("results").size() == static_cast<std::size_t>(count));
  BOOST_TEST(counted_by_hand(server, narrowed.at("results"), "brand") == (std::map<std::string, int>{{brand, count}}));
  BOOST_TEST(server.ask("/v1/search?q=red&facets=2").object().at("parameter") == "facets");
  BOOST_TEST(server.end() == 0);
}

// What was put since is counted and told with its own fields.
BOOST_AUTO_TEST_CASE(fields_and_facets_follow_changes) {
  const served_shop shop;
  running_server server(shop.store);
  const std::string id = server.ids("/v1/search?q=red+dress&k=1").front();
  write_bytes(shop.folder / "put.jsonl", R"({"id": ")" + id + R"(", "title": "red dress", "brand": "Novelty", "price": 7})" + "\n");
  must_run({"change", "--store", shop.store, "--put", shop.folder / "put.jsonl"});
  BOOST_TEST(server.soon("/v1/products/" + id, [](const reply& answered) {
    const json product = answered.object();
    return product.at("fields") == json({{"brand", {"Novelty"}}, {"price", {7}}}) && !product.contains("weights");
  }));
  BOOST_TEST(server.soon("/v1/search?q=dress&facets=1&filter=brand:novelty", [](const reply& answered) {
    return answered.object().at("facets")[0] == json({{"field", "brand"}, {"values", {{{"value", "Novelty"}, {"count", 1}}}}});
  }));
  BOOST_TEST(server.end() == 0);
}

BOOST_AUTO_TEST_CASE(a_generation_without_fields_says_so) {
  const served_shop shop;
  auto writer = generation_writer::create_from(shop.store, *generation::open_current(shop.store));
  BOOST_REQUIRE(writer.ok());
  for (const char* name : {"fields.argosy", "relevance.json", "terms.argosy", "weights.argosy"}) fs::remove(writer->path() / name);
  BOOST_REQUIRE(writer->publish().ok());
  running_server server(shop.store);
  const json answer = server.ask("/v1/search?q=red+dress&facets=1").object();
  BOOST_TEST(answer.at("facets") == json::array());
  const json product = server.ask("/v1/products/" + answer.at("results")[0].at("id").get<std::string>()).object();
  BOOST_TEST(product.at("fields").is_null());
  BOOST_TEST(holds(product.at("not_kept"), "publish it again"), product.dump());
  BOOST_TEST(!product.contains("weights"));
  BOOST_TEST(server.end() == 0);
}

BOOST_AUTO_TEST_CASE(photographs_of_a_tar_are_answered_as_they_are) {
  const auto& shop = shared_small_shop();
  running_server server(shop.store, {"--images", shop.images});
  const auto images = image_source::open(shop.images);
  BOOST_REQUIRE(images.ok());
  for (const std::string& id : server.ids("/v1/search?q=red+dress&k=60")) {
    const reply answered = server.ask("/v1/products/" + id + "/image");
    const std::string name = image_of(server, id);
    if (name.empty()) {
      BOOST_TEST(answered.code == 404);
      BOOST_TEST(holds(answered.body, "has no photograph"), answered.body);
      continue;
    }
    const auto wanted = images->read(name);
    BOOST_REQUIRE(wanted.ok());
    BOOST_TEST(answered.code == 200);
    const bool same = std::equal(answered.body.begin(), answered.body.end(), wanted->begin(), wanted->end(),
                                 [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
    BOOST_TEST(same, id);
    BOOST_TEST(holds(answered.head, "Content-Type: image/jpeg\r\n"), answered.head);
    BOOST_TEST(holds(answered.head, "Cache-Control: max-age=600\r\n"), answered.head);
    BOOST_TEST(holds(answered.head, "X-Content-Type-Options: nosniff\r\n"), answered.head);
  }
  BOOST_TEST(server.ask("/v1/products/none/image").code == 404);
  BOOST_TEST(server.ask("/v1/products/%4/image").code == 400);
  BOOST_TEST(holds(server.ask("/metrics").body, "argosy_http_requests_total{path=\"/v1/products/image\",code=\"200\"}"));
  BOOST_TEST(server.end() == 0);

  running_server without(shop.store);
  const reply none = without.ask("/v1/products/" + without.ids("/v1/search?q=red+dress&k=1").front() + "/image");
  BOOST_TEST(none.code == 404);
  BOOST_TEST(holds(none.body, "without --images"), none.body);
  BOOST_TEST(without.end() == 0);
}

// A folder of all that a photograph may turn out to be.
BOOST_AUTO_TEST_CASE(a_file_that_is_no_photograph_is_refused_and_nothing_outside_is_read) {
  const auto& shop = shared_small_shop();
  const scratch_folder photographs, outside;
  running_server server(shop.store, {"--images", photographs.path()});
  std::vector<std::pair<std::string, fs::path>> of;
  for (const std::string& id : server.ids("/v1/search?q=red+dress&k=60"))
    if (const std::string name = image_of(server, id); !name.empty()) of.emplace_back(id, photographs / name);
  BOOST_REQUIRE(of.size() >= 7u);
  fs::create_directories(of[0].second.parent_path());
  const std::string jpeg = "\xFF\xD8\xFF and no more";
  write_bytes(of[0].second, jpeg);
  write_bytes(of[1].second, "<script>alert(1)</script>");
  write_bytes(of[2].second, "");
  write_bytes(outside / "secret.jpg", jpeg);
  fs::create_symlink(outside / "secret.jpg", of[3].second);
  fs::create_directory(of[4].second);
  write_bytes(of[5].second, "RIFF....WEBPVP8 ");
  const auto image = [&](std::size_t i) { return server.ask("/v1/products/" + of[i].first + "/image"); };
  BOOST_TEST(image(0).code == 200);  // a browser shows what it can of it
  BOOST_TEST(image(0).body == jpeg);
  BOOST_TEST(image(1).code == 404);
  BOOST_TEST(holds(image(1).body, "want JPEG, PNG or WebP"), image(1).body);
  BOOST_TEST(image(2).code == 404);
  BOOST_TEST(image(3).code == 404);
  BOOST_TEST(holds(image(3).body, "leads out of the folder"), image(3).body);
  BOOST_TEST(image(4).code == 500);
  BOOST_TEST(holds(image(5).head, "Content-Type: image/webp\r\n"), image(5).head);
  BOOST_TEST(image(6).code == 404);
  BOOST_TEST(holds(image(6).body, "No such file"), image(6).body);
  BOOST_TEST(server.ask("/readyz").code == 200);
  BOOST_TEST(server.end() == 0);

  const auto nowhere = run_argosy({"serve", "--store", shop.store, "--http", "127.0.0.1:0", "--images", outside / "nothing"});
  BOOST_TEST(nowhere.exit_code == 1);
  BOOST_TEST(holds(nowhere.err, "no folder or tar of images"), nowhere.err);
}

// A change may name any photograph; only those of the folder are answered.
BOOST_AUTO_TEST_CASE(a_name_that_leaves_the_folder_is_refused) {
  const served_shop shop;
  const scratch_folder photographs;
  fs::create_directory(photographs / "in");
  write_bytes(photographs / "secret.jpg", "\xFF\xD8\xFF");
  std::vector<product_change> puts;
  for (const std::string& name : {std::string("../secret.jpg"), (photographs / "secret.jpg").string()}) {
    product_change put;
    put.id = "p/" + std::to_string(puts.size());
    put.title = "red dress";
    put.image = name;
    put.vector.assign(16, 1.0F);
    puts.push_back(put);
  }
  {
    const auto store = live_store::open(shop.store, rules_of);
    BOOST_REQUIRE(store.ok());
    const status done = store.value()->apply(puts);
    BOOST_REQUIRE_MESSAGE(done.ok(), done.text());
  }
  running_server server(shop.store, {"--images", photographs / "in"});
  for (const char* id : {"p%2F0", "p%2f1"}) {
    BOOST_TEST(server.ask(std::string("/v1/products/") + id).code == 200);
    const reply answered = server.ask(std::string("/v1/products/") + id + "/image");
    BOOST_TEST(answered.code == 404);
    BOOST_TEST(holds(answered.body, "want a name within the folder"), answered.body);
  }
  BOOST_TEST(server.end() == 0);
}

BOOST_AUTO_TEST_CASE(the_search_page_loads_nothing_from_elsewhere) {
  running_server server(shared_small_shop().store);
  for (const auto& [path, type] : {std::pair{"/", "text/html"}, {"/search.css", "text/css"}, {"/search.js", "text/javascript"}}) {
    const reply file = server.ask(path);
    BOOST_TEST(file.code == 200);
    BOOST_TEST(holds(file.head, std::string("Content-Type: ") + type + "; charset=utf-8\r\n"), file.head);
    BOOST_TEST(holds(file.head, "Content-Security-Policy: default-src 'none'; script-src 'self';"), file.head);
    BOOST_TEST(!holds(file.head, "unsafe"), file.head);
    BOOST_TEST(!holds(file.body, "://"), path);
    BOOST_TEST(!holds(file.body, "innerHTML"), path);
  }
  BOOST_TEST(holds(server.ask("/").body, "<script src=\"/search.js\" defer>"));
  BOOST_TEST(server.end() == 0);
}

BOOST_AUTO_TEST_CASE(slow_queries_are_told_to_the_log_with_the_id_of_their_request) {
  const auto& shop = shared_small_shop();
  running_server silent(shop.store, {"--log-json"}), telling(shop.store, {"--slow-ms", "1", "--log-json"});
  const auto asked = [](const running_server& server, int number) {
    bare_client one(server.port());
    one.send(
        "GET /v1/search?q=red+dress&k=60&channel=hybrid&live=1&filter=category:dress HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: mine-" +
        std::to_string(number) + "\r\nConnection: close\r\n\r\n");
    const std::string read = one.read_all();
    BOOST_TEST(read.find("\r\nX-Request-Id: mine-" + std::to_string(number) + "\r\n") != std::string::npos, read);
  };
  int number = 0;
  while (telling.log().find('\n') == std::string::npos && number < 5000) asked(telling, ++number);  // one of them takes a millisecond
  const std::string log = telling.log();
  const json line = json::parse(log.substr(0, log.find('\n')));
  BOOST_TEST(line.at("level") == "warning");
  BOOST_TEST(line.at("message") == "slow query");
  BOOST_TEST(line.at("request") == "mine-" + std::to_string(number));
  BOOST_TEST(
      (line.at("query") == "red dress" && line.at("filter") == "category:dress" && line.at("k") == 60 && line.at("source") == "index"));
  BOOST_TEST(line.at("time").get<std::string>().ends_with("Z"));
  asked(silent, 1);
  BOOST_TEST(silent.log().empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test

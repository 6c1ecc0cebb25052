// `argosy serve --writable`: products changed over HTTP are searched once that is answered, and survive kill -9.
#include <algorithm>
#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include "data/records.hpp"
#include "index/live_store.hpp"
#include "search/terms_of.hpp"
#include "tests/support/bare_client.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/small_disk.hpp"
#include "tests/system/running_server.hpp"
#include "tests/system/small_shop.hpp"
#include "tests/system/written_shop.hpp"
#include "tools/results_page.hpp"

namespace argosy::test {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using ids = std::set<std::string>;
namespace fs = std::filesystem;

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

using reply = http_answered;

class writing_server : public running_server {
public:
  explicit writing_server(const fs::path& store, std::vector<std::string> more = {"--writable"})
      : running_server(store, with_threads(std::move(more))) {}
  reply ask(const std::string& method, const std::string& target, const std::string& body = {}) const {
    return running_server::ask(target, method, body);
  }
  reply get(const std::string& id) const { return ask("GET", "/v1/products/" + id); }
  std::set<std::string> found(const std::string& parameters) const {
    const auto all = running_server::ids("/v1/search?k=100&" + parameters);
    return {all.begin(), all.end()};
  }
  template <class Wanted>
  bool soon(Wanted&& wanted) const {
    for (int waits = 0; waits < 2000; ++waits) {
      if (wanted()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }

private:
  static std::vector<std::string> with_threads(std::vector<std::string> more) {
    more.insert(more.end(), {"--threads", "2"});
    return more;
  }
};

std::string item(const std::string& title, int price) {
  return json{{"title", title}, {"brand", "Zorro"}, {"category", "Caps"}, {"price", price}}.dump();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(served_changes)

BOOST_AUTO_TEST_CASE(what_is_answered_is_searched) {
  const written_shop shop;
  writing_server server(shop.store);
  const auto check = [&](const reply& answered, int code, const std::string& outcome) {
    BOOST_TEST(answered.code == code, answered.body);
    BOOST_TEST(answered.object().at("outcome") == outcome);
  };
  check(server.ask("PUT", "/v1/products/6", item("zorro cap", 50)), 201, "created");
  BOOST_TEST(server.get("6").object().at("title") == "zorro cap");
  BOOST_TEST(server.found("q=cap&filter=category:caps") == (ids{"6"}));
  check(server.ask("PUT", "/v1/products/6", item("zorro warm cap", 60)), 200, "replaced");
  BOOST_TEST(server.found("q=warm&channel=lexical&restrict=0") == (ids{"6"}));

  // Fields alone: of what was put, and of what the generation was published with, whose other fields stay.
  check(server.ask("PATCH", "/v1/products/6", R"({"price": 70})"), 200, "changed");
  check(server.ask("PATCH", "/v1/products/3", R"({"price": 75, "category": null})"), 200, "changed");
  BOOST_TEST(server.found("q=shoes&filter=price:%5B70+TO+80%5D") == (ids{"3", "6"}));
  BOOST_TEST(server.found("q=shoes&filter=category:caps") == (ids{"6"}));
  BOOST_TEST(server.found("q=shoes&filter=category:%22casual+shoes%22") == (ids{"2"}));
  BOOST_TEST(server.found("q=shoes&filter=brand:maxima") == (ids{"3", "5"}));
  BOOST_TEST(server.get("3").object().at("title") == "maxima casual shoes");

  BOOST_TEST(holds(server.ask("GET", "/v1/elsewhere").body, "/v1/products, /v1/compact, "));
  const reply removed = server.ask("DELETE", "/v1/products/1");
  BOOST_TEST(removed.code == 204);
  BOOST_TEST(!holds(removed.head, "Content-Length"), removed.head);
  BOOST_TEST(server.get("1").code == 404);
  BOOST_TEST(server.found("q=shoes&restrict=0") == (ids{"2", "3", "4", "5", "6"}));
  BOOST_TEST(server.ask("DELETE", "/v1/products/1").code == 404);
  BOOST_TEST(server.ask("PATCH", "/v1/products/1", R"({"price": 1})").code == 404);
  check(server.ask("PUT", "/v1/products/a%2Fb%20c", item("odd id", 1)), 201, "created");
  BOOST_TEST(server.get("a%2Fb%20c").object().at("id") == "a/b c");

  const std::string metrics = server.ask("GET", "/metrics").body;
  for (const char* line : {"argosy_changes_total{outcome=\"created\"} 2\n", "argosy_changes_total{outcome=\"replaced\"} 1\n",
                           "argosy_changes_total{outcome=\"changed\"} 2\n", "argosy_changes_total{outcome=\"removed\"} 1\n",
                           "argosy_changes_total{outcome=\"refused\"} 2\n", "argosy_change_seconds_count 8\n",
                           "argosy_http_requests_total{path=\"/v1/products\",code=\"201\"} 2\n", "argosy_generation 1\n"})
    BOOST_TEST(holds(metrics, line), metrics);
  BOOST_TEST(server.end() == 0);
  writing_server again(shop.store);
  BOOST_TEST(again.found("q=shoes&restrict=0") == (ids{"2", "3", "4", "5", "6", "a/b c"}));
  BOOST_TEST(again.found("q=shoes&filter=price:%5B70+TO+80%5D") == (ids{"3", "6"}));
  must_run({"search", "--store", shop.store, "shoes"});
}

// A patch keeps the embedding: the same score before and after. One of a product that was put too.
BOOST_AUTO_TEST_CASE(a_patch_keeps_the_embedding) {
  const written_shop shop;
  writing_server server(shop.store);
  const auto scores = [&] {
    std::map<std::string, double> of;
    const json answered = server.ask("GET", "/v1/search?q=shoes&k=100&restrict=0").object();
    for (const auto& one : answered.at("results")) of[one.at("id")] = one.at("score");
    return of;
  };
  server.ask("PUT", "/v1/products/6", item("zorro cap", 50));
  const auto before = scores();
  for (const char* id : {"2", "6"}) BOOST_TEST(server.ask("PATCH", std::string("/v1/products/") + id, R"({"price": 7})").code == 200);
  BOOST_TEST((scores() == before));
  BOOST_TEST(server.found("q=shoes&filter=price:7") == (ids{"2", "6"}));
}

// By its name or with its bytes a photograph gives the embedding that `argosy change` gives it.
BOOST_AUTO_TEST_CASE(a_photograph_is_embedded_as_by_change) {
  const written_shop shop;
  const small_shop& with_images = shared_small_shop();
  std::string name;
  const auto first = [&](std::uint64_t, const product_record& one) -> status {
    if (name.empty()) name = one.image;
    return {};
  };
  BOOST_REQUIRE(read_products(with_images.catalogue, first, [](const refusal&) {}).ok());
  const auto images = image_source::open(with_images.images);
  BOOST_REQUIRE(images.ok());
  const auto picture = images->read(name);
  BOOST_REQUIRE(picture.ok());
  const fs::path line = shop.folder / "put.jsonl";
  write_bytes(line, json{{"id", "commanded"}, {"title", "red thing"}, {"image", name}}.dump() + "\n");
  must_run({"change", "--store", shop.store, "--put", line, "--images", with_images.images});

  writing_server server(shop.store, {"--writable", "--images", with_images.images});
  BOOST_TEST(server.ask("PUT", "/v1/products/named", json{{"title", "red thing"}, {"image", name}}.dump()).code == 201);
  BOOST_TEST(server.ask("PUT", "/v1/products/sent", json{{"title", "red thing"}, {"photograph", base64(*picture)}}.dump()).code == 201);
  BOOST_TEST(server.ask("PUT", "/v1/products/blind", json{{"title", "red thing"}}.dump()).code == 201);
  BOOST_TEST(server.ask("PUT", "/v1/products/seen", json{{"title", ""}, {"photograph", base64(*picture)}}.dump()).code == 201);
  std::map<std::string, double> scores;
  const json answered = server.ask("GET", "/v1/search?q=red&k=100&restrict=0").object();
  for (const auto& one : answered.at("results")) scores[one.at("id")] = one.at("score");
  BOOST_TEST(scores.at("named") == scores.at("commanded"));
  BOOST_TEST(scores.at("sent") == scores.at("commanded"));
  BOOST_TEST(scores.at("blind") != scores.at("commanded"));
  BOOST_TEST(scores.at("seen") != scores.at("commanded"));

  const auto refused = [&](const json& product, const std::string& part) {
    const reply answer = server.ask("PUT", "/v1/products/x", product.dump());
    BOOST_TEST(answer.code == 400);
    BOOST_TEST(holds(answer.object().at("error"), part), answer.body);
  };
  refused({{"title", "red"}, {"image", "none.jpg"}}, "image: image `none.jpg`: not in the tar");
  refused({{"title", "red"}, {"photograph", "AAAA"}}, "photograph: ");
  refused({{"title", "red"}, {"photograph", "AAA"}}, "photograph: want base64, whose length is a multiple of 4, got 3");
  refused({{"title", "red"}, {"photograph", "A*AA"}}, "photograph: want base64, found another character at 2");
  BOOST_TEST(server.get("x").code == 404);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_named_and_changes_nothing) {
  const written_shop shop;
  {
    writing_server server(shop.store);
    const auto refused = [&](const std::string& method, const std::string& target, const std::string& body, int code,
                             const std::string& part) {
      const reply answered = server.ask(method, target, body);
      BOOST_TEST(answered.code == code, method + " " + target + " " + body);
      BOOST_TEST(holds(answered.object().at("error"), part), answered.body);
      return answered;
    };
    refused("PUT", "/v1/products/7", "", 400, "want a JSON object");
    refused("PUT", "/v1/products/7", "[1]", 400, "want a JSON object, found array");
    refused("PUT", "/v1/products/7", "{\"title\": \"\xff\"}", 400, "want UTF-8, found other bytes at byte 12");
    refused("PUT", "/v1/products/7", "{\"x\": " + std::string(100'000, '['), 400, "want JSON of at most 8 levels");
    refused("PUT", "/v1/products/7", "{}", 400, "title: want a word, or a photograph");
    refused("PUT", "/v1/products/7", R"({"title": "!!"})", 400, "title: want a word, or a photograph");
    refused("PUT", "/v1/products/7", R"({"title": {"a": 1}})", 400, "title: want a string or an integer, got object");
    refused("PUT", "/v1/products/7", R"({"id": "8", "title": "cap"})", 400, "id: want `7`, as in the path, got `8`");
    refused("PUT", "/v1/products/7", R"({"title": "cap", "price": "cheap"})", 400, "field price: want a number");
    refused("PUT", "/v1/products/", R"({"title": "cap"})", 400, "id: want a product's, found none");
    refused("PUT", "/v1/products/%f", R"({"title": "cap"})", 400, "two hexadecimal digits");
    refused("PUT", "/v1/products/%ff", R"({"title": "cap"})", 400, "id: want UTF-8");
    refused("PATCH", "/v1/products/2", "{}", 400, "want a field to change");
    refused("PATCH", "/v1/products/2", R"({"title": "cap"})", 400, "title: want fields alone");
    refused("PATCH", "/v1/products/2", R"({"price": "cheap"})", 400, "field price: want a number");
    refused("PATCH", "/v1/products/none", R"({"price": 3})", 404, "no product is called none");
    refused("DELETE", "/v1/products/none", "", 404, "no product is called none");
    refused("POST", "/v1/products", "\n \n", 400, "want a change a line");
    BOOST_TEST(
        holds(refused("POST", "/v1/products/2", "{}", 405, "GET, HEAD, PUT, PATCH, DELETE").head, "Allow: GET, HEAD, PUT, PATCH, DELETE"));
    BOOST_TEST(holds(refused("GET", "/v1/products", "", 405, "POST").head, "Allow: POST"));
    refused("PUT", "/v1/search", "{}", 405, "want GET, got PUT");
    refused("PUT", "/v1/products/7", std::string((8u << 20) + 1, ' '), 413, "too long");
    BOOST_TEST(server.end() == 0);
  }
  const std::string journal = bytes_of_file(shop.store / "changes/000001.journal");
  BOOST_TEST(journal.size() == 64u);  // no record
  {
    writing_server reader(shop.store, {});
    const reply answered = reader.ask("PUT", "/v1/products/7", item("cap", 1));
    BOOST_TEST(answered.code == 405);
    BOOST_TEST(holds(answered.body, "--writable"), answered.body);
    BOOST_TEST(holds(answered.head, "Allow: GET, HEAD\r\n"), answered.head);
    BOOST_TEST(reader.ask("POST", "/v1/products", item("cap", 1)).code == 405);
    BOOST_TEST(reader.ask("GET", "/v1/products").code == 404);
  }
}

// What a script of a page of elsewhere may send to a server on this machine.
BOOST_AUTO_TEST_CASE(web_pages_of_elsewhere_change_nothing) {
  const written_shop shop;
  writing_server server(shop.store);
  const auto told = [&](const std::string& headers, const std::string& method = "DELETE", const std::string& target = "/v1/products/1") {
    bare_client one(server.port());
    one.send(method + " " + target + " HTTP/1.1\r\nConnection: close\r\n" + headers + "\r\n");
    return one.read_all().substr(0, 12);
  };
  const std::string own = "127.0.0.1:" + std::to_string(server.port());
  BOOST_TEST(told("Host: " + own + "\r\nOrigin: http://shop.example\r\n") == "HTTP/1.1 403");
  BOOST_TEST(told("Host: shop.example\r\nOrigin: http://shop.example\r\n") == "HTTP/1.1 403");
  BOOST_TEST(told("Host: " + own + "\r\nOrigin: null\r\n") == "HTTP/1.1 403");
  BOOST_TEST(told("Host: " + own + "\r\n", "PUT", "/v1/products/1/image") == "HTTP/1.1 405");
  BOOST_TEST(server.ask("POST", "/v1/products", std::string(20'001, '\n')).code == 400);
  BOOST_TEST(server.get("1").code == 200);
  BOOST_TEST(told("Host: " + own + "\r\nOrigin: http://" + own + "\r\n") == "HTTP/1.1 204");
  BOOST_TEST(server.get("1").code == 404);
}

BOOST_AUTO_TEST_CASE(each_line_of_a_batch_is_answered_in_order) {
  const written_shop shop;
  writing_server server(shop.store);
  const reply answered = server.ask("POST", "/v1/products",
                                    R"({"id": "6", "title": "zorro cap", "price": 10})"
                                    "\n\n"
                                    R"({"id": "7", "title": "zorro hat", "price": "cheap"})"
                                    "\n"
                                    R"({"patch": {"id": "2", "price": 11}})"
                                    "\r\n"
                                    R"({"remove": "5"})"
                                    "\n"
                                    R"({"remove": "5"})"
                                    "\n"
                                    R"({"patch": {"id": "6", "price": 12}})"
                                    "\n{\n"
                                    R"({"title": "no id"})"
                                    "\n"
                                    R"({"id": "6", "title": "maxima cap", "price": 13})"
                                    "\n"
                                    R"({"patch": {"id": "6", "colour": "red"}})");
  BOOST_TEST(answered.code == 200);
  BOOST_TEST(holds(answered.head, "application/x-ndjson"), answered.head);
  const std::array<std::array<std::string, 3>, 10> wanted = {{{"1", "201", "created"},
                                                              {"3", "400", "field price"},
                                                              {"4", "200", "changed"},
                                                              {"5", "204", "removed"},
                                                              {"6", "404", "no product"},
                                                              {"7", "200", "changed"},
                                                              {"8", "400", "JSON"},
                                                              {"9", "400", "id: "},
                                                              {"10", "200", "replaced"},
                                                              {"11", "200", "changed"}}};
  std::istringstream lines(answered.body);
  std::string line;
  for (const auto& [number, code, part] : wanted) {
    BOOST_REQUIRE(std::getline(lines, line));
    const json one = json::parse(line);
    BOOST_TEST(one.at("line").dump() == number, line);
    BOOST_TEST(one.at("code").dump() == code, line);
    BOOST_TEST(holds(line, part), line);
  }
  BOOST_TEST(!std::getline(lines, line));
  BOOST_TEST(server.found("q=caps&restrict=0") == (ids{"1", "2", "3", "4", "6"}));
  BOOST_TEST(server.found("q=caps&filter=price:13") == (ids{"6"}));
  BOOST_TEST(server.found("q=caps&filter=price:11") == (ids{"2"}));
  BOOST_TEST(server.get("6").object().at("title") == "maxima cap");
}

// Others may read, and answer what was written, but not write.
BOOST_AUTO_TEST_CASE(one_process_writes_at_a_time) {
  const written_shop shop;
  writing_server writer(shop.store);
  const auto second = run_argosy({"serve", "--store", shop.store, "--http", "127.0.0.1:0", "--writable"});
  BOOST_TEST(second.exit_code == 1);
  BOOST_TEST(holds(second.err, "another process"), second.err);
  write_bytes(shop.folder / "ids.txt", "1\n");
  BOOST_TEST(run_argosy({"change", "--store", shop.store, "--remove", shop.folder / "ids.txt"}).exit_code == 1);
  writing_server reader(shop.store, {});
  for (int i = 0; i < 20; ++i) {
    const std::string id = "new" + std::to_string(i);
    BOOST_TEST(writer.ask("PUT", "/v1/products/" + id, item("zorro cap", i)).code == 201);
    if (i % 5 == 0) BOOST_TEST(reader.soon([&] { return reader.get(id).code == 200; }));
  }
  BOOST_TEST(reader.soon([&] { return reader.found("q=cap&filter=category:caps").size() == 20u; }));
  BOOST_TEST(writer.end() == 0);
  must_run({"change", "--store", shop.store, "--remove", shop.folder / "ids.txt"});
  BOOST_TEST(reader.soon([&] { return reader.get("1").code == 404; }));
}

// Generations that come while the server writes: it goes on to them, and lets go of the ones before.
BOOST_AUTO_TEST_CASE(it_goes_on_to_generations_that_others_make) {
  const written_shop shop;
  writing_server server(shop.store, {"--writable", "--deadline-ms", "600000"});
  const auto put = [&](const std::string& id) { return server.ask("PUT", "/v1/products/" + id, item("zorro cap", 9)).code; };
  std::atomic<bool> stop = false;
  std::atomic<int> asked = 0, failed = 0;
  std::thread asking([&] {
    while (!stop) {
      failed += server.ask("GET", "/v1/search?q=red+shoes").code == 200 ? 0 : 1;
      ++asked;
      std::this_thread::sleep_for(2ms);
    }
  });
  BOOST_TEST(put("first") == 201);
  // Of the same products: what was changed stays.
  std::ofstream(shop.folder / "log.tsv") << "query\tproduct_id\nred things\t1\n";
  must_run({"pairs", "--store", shop.store, "--log", shop.folder / "log.tsv", "--top", "5"});
  BOOST_TEST(put("second") == 201);
  BOOST_TEST(server.get("second").object().at("generation") == 2);
  BOOST_TEST(server.found("q=cap&filter=category:caps") == (ids{"first", "second"}));
  // From the catalogue: it begins anew.
  publish_to(shop.store, shop.folder);
  BOOST_TEST(put("third") == 201);
  BOOST_TEST(server.get("third").object().at("generation") == 3);
  BOOST_TEST(server.found("q=cap&filter=category:caps") == (ids{"third"}));
  must_run({"generations", "--store", shop.store, "rollback", "--to", "2"});
  BOOST_TEST(server.ask("PATCH", "/v1/products/first", R"({"price": 8})").code == 200);
  BOOST_TEST(server.found("q=cap&filter=category:caps") == (ids{"first", "second"}));
  BOOST_TEST(server.found("q=cap&filter=price:8") == (ids{"first"}));
  stop = true;
  asking.join();
  BOOST_TEST(asked > 10);
  BOOST_TEST(failed == 0);
  for (const char* gone : {"generations/000001", "generations/000003"})
    BOOST_TEST(server.soon([&] { return !holds(server.maps(), gone); }), gone);
  BOOST_TEST(holds(server.maps(), "generations/000002"));
}

// Four clients change products until the server is killed. What they were told is there, what was refused is not, and of what they were not
// told any more all or nothing.
BOOST_AUTO_TEST_CASE(killed_at_random_moments_no_acknowledged_change_is_lost) {
  constexpr int rounds = 30, clients = 4, ids_of_each = 5;
  const written_shop shop;
  struct product {
    std::string title;  // empty: none
    int price = 0;
    bool operator==(const product&) const = default;
  };
  struct client {
    std::map<std::string, product> told;
    std::optional<std::pair<std::string, product>> asked;  // and not told
    int changes = 0, bad = 0;
  };
  std::array<client, clients> all;
  std::mt19937_64 random(7);
  int version = 0, kills_amid = 0;
  for (int round = 0; round < rounds; ++round) {
    writing_server server(shop.store);
    std::vector<std::thread> asking;
    for (int c = 0; c < clients; ++c) {
      asking.emplace_back([&, c, draws = std::mt19937_64(random())]() mutable {
        client& me = all[static_cast<std::size_t>(c)];
        for (int turn = 0;; ++turn) {
          const std::string id = "c" + std::to_string(c) + "-" + std::to_string(draws() % ids_of_each);
          const std::string target = "/v1/products/" + id;
          const product before = me.told[id];
          const int price = static_cast<int>(draws() % 1000);
          if (draws() % 5 == 0) {
            const reply refused = server.ask("PUT", target, R"({"title": "zorro refused", "price": "cheap"})");
            if (refused.code == 0) return;
            me.bad += refused.code == 400 ? 0 : 1;
          }
          product after{"zorro cap " + std::to_string(round) + " " + std::to_string(turn), price};
          std::string method = "PUT", body = item(after.title, price);
          if (!before.title.empty() && draws() % 2 == 0) {
            const bool removes = draws() % 3 == 0;
            method = removes ? "DELETE" : "PATCH";
            body = removes ? "" : json{{"price", price}}.dump();
            after.title = removes ? "" : before.title;
            if (removes) after.price = 0;
          }
          me.asked = {id, after};
          const reply told = server.ask(method, target, body);
          if (told.code == 0) return;
          me.bad += told.code == 200 || told.code == 201 || told.code == 204 ? 0 : 1;
          me.told[id] = after;
          me.asked.reset();
          ++me.changes;
        }
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 200));
    server.kill();
    for (auto& one : asking) one.join();

    const auto live = open_live(shop.store, rules_of);
    BOOST_REQUIRE_MESSAGE(live.ok(), live.failure().text());
    const auto there = [&](const std::string& id) {
      product now;
      if (const auto row = live->row_of(id)) {
        const product_change put = live->put_at(*row);
        now.title = put.title;
        for (const auto& value : put.fields)
          if (value.field == "price") now.price = std::stoi(value.text);
      }
      return now;
    };
    for (client& one : all) {
      if (one.asked) {
        ++kills_amid;
        const auto& [id, after] = *one.asked;
        BOOST_TEST((there(id) == after || there(id) == one.told[id]), "round " + std::to_string(round) + ", " + id);
        one.told[id] = there(id);
        one.asked.reset();
      }
      for (const auto& [id, told] : one.told) BOOST_TEST((there(id) == told), "round " + std::to_string(round) + ", " + id);
    }
    ++version;
  }
  writing_server server(shop.store);
  int changes = 0;
  for (const client& one : all) {
    BOOST_TEST(one.bad == 0);
    changes += one.changes;
    for (const auto& [id, told] : one.told) {
      const reply answered = server.get(id);
      BOOST_TEST(answered.code == (told.title.empty() ? 404 : 200), id);
      if (!told.title.empty()) BOOST_TEST(answered.object().at("title") == told.title);
    }
  }
  BOOST_TEST(changes > rounds);
  BOOST_TEST_MESSAGE(changes << " changes were acknowledged, " << kills_amid << " were cut short by " << version << " kills");
}

BOOST_AUTO_TEST_CASE(a_full_disk_refuses_changes_and_answers_searches) {
  const scratch_folder folder;
  const small_disk disk(64u << 20);
  if (!disk) return;
  const fs::path store = disk / "store", filler = disk / "filler";
  publish_to(store, folder);
  writing_server server(store);
  BOOST_TEST(server.ask("PUT", "/v1/products/6", item("zorro cap", 1)).code == 201);
  {
    std::ofstream full(filler, std::ios::binary);
    const std::string some(4096, 'x');
    while (full.write(some.data(), static_cast<std::streamsize>(some.size())).flush()) {
    }
  }
  int told = 0;
  reply last;
  for (; told < 1000; ++told) {
    last = server.ask("PUT", "/v1/products/more" + std::to_string(told), item("zorro cap", 2));
    if (last.code != 201) break;
  }
  BOOST_TEST(last.code == 503);
  BOOST_TEST(holds(last.object().at("error"), "No space left on device"), last.body);
  BOOST_TEST(server.get("more" + std::to_string(told)).code == 404);
  BOOST_TEST(server.found("q=cap&filter=category:caps").size() == static_cast<std::size_t>(told + 1));
  fs::remove(filler);
  BOOST_TEST(server.ask("PUT", "/v1/products/7", item("zorro cap", 3)).code == 201);
  server.kill();
  writing_server again(store);
  BOOST_TEST(again.found("q=cap&filter=category:caps").size() == static_cast<std::size_t>(told + 2));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test

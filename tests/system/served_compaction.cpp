// Compaction within `argosy serve --writable`: on demand and by itself, beside searches and changes, stopped and killed in the middle.
#include <algorithm>
#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include "index/live_store.hpp"
#include "index/store.hpp"
#include "search/terms_of.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/small_disk.hpp"
#include "tests/support/status.hpp"
#include "tests/system/running_server.hpp"
#include "tests/system/small_shop.hpp"
#include "tests/system/written_shop.hpp"

namespace argosy::test {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using ids = std::set<std::string>;
namespace fs = std::filesystem;

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::vector<std::string> writing(const std::string& compact_after) {
  return {"--writable", "--threads", "2", "--compact-after", compact_after, "--deadline-ms", "600000"};
}

std::string item(const std::string& title, int price) {
  return json{{"title", title}, {"brand", "Zorro"}, {"category", "Caps"}, {"price", price}}.dump();
}

int put(const running_server& server, const std::string& id, int price) {
  return server.ask("/v1/products/" + id, "PUT", item("zorro cap", price)).code;
}

ids found(const running_server& server, const std::string& parameters) {
  const auto all = server.ids("/v1/search?k=100&" + parameters);
  return {all.begin(), all.end()};
}

std::uint64_t metric(const running_server& server, const std::string& name) {
  const std::string all = server.ask("/metrics").body;
  const auto at = all.find("\n" + name + " ");
  return at == std::string::npos ? 0 : std::stoull(all.substr(at + name.size() + 2));
}

bool soon(const running_server& server, const std::string& name, std::uint64_t at_least) {
  return server.soon("/metrics", [&](const http_answered&) { return metric(server, name) >= at_least; });
}

std::vector<std::uint64_t> generations_of(const fs::path& store) {
  const auto all = list_generations(store);
  require_ok(all.failure());
  std::vector<std::uint64_t> numbers;
  for (const auto& one : *all) numbers.push_back(one.number);
  return numbers;
}

// What is no generation, left by somebody.
std::vector<std::string> rubbish_in(const fs::path& store) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(store / "generations")) {
    std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) names.push_back(std::move(name));
  }
  return names;
}

// Enough for an index that takes a while to be made.
std::string many_lines(int first, int count) {
  std::string lines;
  for (int i = first; i < first + count; ++i)
    lines += R"({"id": "m)" + std::to_string(i) + R"(", "title": "maxima thing )" + std::to_string(i) + "\"}\n";
  return lines;
}
constexpr int many = 12'000;  // more than exact_below

}  // namespace

BOOST_AUTO_TEST_SUITE(served_compaction)

BOOST_AUTO_TEST_CASE(on_demand_what_changed_becomes_part_of_the_index) {
  const written_shop shop;
  running_server server(shop.store, writing("0"));
  const auto compact = [&] { return server.ask("/v1/compact", "POST"); };
  const http_answered nothing = compact();
  BOOST_TEST(nothing.code == 200);
  BOOST_TEST(nothing.object().at("compaction") == "unchanged");

  const std::string red = R"({"title": "zorro cap", "brand": "Zorro", "category": "Caps", "price": 50, "colour": "red"})";
  BOOST_TEST(server.ask("/v1/products/6", "PUT", red).code == 201);
  BOOST_TEST(server.ask("/v1/products/2", "PATCH", R"({"price": 210})").code == 200);
  BOOST_TEST(server.ask("/v1/products/5", "DELETE").code == 204);
  BOOST_TEST(server.ask("/v1/search?q=cap&filter=colour:red").code == 400);  // a field that the generation does not know
  BOOST_TEST(metric(server, "argosy_rows_put") == 2u);
  BOOST_TEST(metric(server, "argosy_rows_gone") == 2u);
  BOOST_TEST(server.soon("/metrics", [&](const http_answered&) { return holds(server.maps(), "generations/000001"); }));
  const http_answered begun = compact();
  BOOST_TEST(begun.code == 202);
  BOOST_TEST((begun.object() == json{{"compaction", "begun"}, {"generation", 1}, {"put", 2}, {"gone", 2}}), begun.body);
  BOOST_TEST(soon(server, "argosy_generation", 2));
  BOOST_TEST(soon(server, "argosy_compactions_total", 1));
  BOOST_TEST(metric(server, "argosy_rows_put") == 0u);
  BOOST_TEST(metric(server, "argosy_rows_gone") == 0u);
  BOOST_TEST(metric(server, "argosy_compaction_failures_total") == 0u);
  BOOST_TEST(found(server, "q=cap&filter=colour:red") == (ids{"6"}));
  BOOST_TEST(compact().object().at("compaction") == "unchanged");
  BOOST_TEST(holds(server.log(), "generation 2 was compacted: 5 products, 2 put and 2 gone"), server.log());
  BOOST_TEST(server.soon("/healthz", [&](const http_answered&) { return !holds(server.maps(), "generations/000001"); }), server.maps());

  // Rows are others now, and so are those of the fields that a patch keeps.
  for (const char* id : {"1", "2", "3", "4", "6"})
    BOOST_TEST(server.ask(std::string("/v1/products/") + id, "PATCH", R"({"season": "summer"})").code == 200);
  const std::map<std::string, std::array<std::string, 3>> wanted = {{"1", {"Zorro", "Sports Shoes", "100"}},
                                                                    {"2", {"Zorro", "Casual Shoes", "210"}},
                                                                    {"3", {"Maxima", "Casual Shoes", "300"}},
                                                                    {"4", {"Zorro", "Bags", "400"}},
                                                                    {"6", {"Zorro", "Caps", "50"}}};
  for (const auto& [id, values] : wanted) {
    const json fields = server.ask("/v1/products/" + id).object().at("fields");
    BOOST_TEST(fields.at("brand")[0] == values[0], id);
    BOOST_TEST(fields.at("category")[0] == values[1], id);
    BOOST_TEST(fields.at("price")[0] == std::stod(values[2]), id);
    BOOST_TEST(fields.at("season")[0] == "summer", id);
  }
  BOOST_TEST(compact().code == 202);
  BOOST_TEST(soon(server, "argosy_generation", 3));
  BOOST_TEST(found(server, "q=things&filter=season:summer") == (ids{"1", "2", "3", "4", "6"}));
  BOOST_TEST(server.end() == 0);
  must_run({"generations", "--store", shop.store, "verify"});
  running_server again(shop.store, writing("0"));
  BOOST_TEST(found(again, "q=things&filter=season:summer") == (ids{"1", "2", "3", "4", "6"}));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_compacted_is_refused) {
  const written_shop shop;
  {
    running_server server(shop.store, writing("0"));
    const http_answered asked = server.ask("/v1/compact");
    BOOST_TEST(asked.code == 405);
    BOOST_TEST(holds(asked.head, "Allow: POST"), asked.head);
    const http_answered of_a_page = server.ask("/v1/compact", "POST", {}, "Origin: http://shop.example\r\n");
    BOOST_TEST(of_a_page.code == 403);
    for (const char* id : {"1", "2", "3", "4", "5"}) BOOST_TEST(server.ask(std::string("/v1/products/") + id, "DELETE").code == 204);
    const http_answered empty = server.ask("/v1/compact", "POST");
    BOOST_TEST(empty.code == 409);
    BOOST_TEST(holds(empty.body, "every product was removed"), empty.body);
    BOOST_TEST(put(server, "6", 1) == 201);
    BOOST_TEST(server.ask("/v1/compact", "POST").code == 202);
    BOOST_TEST(soon(server, "argosy_generation", 2));
    BOOST_TEST(found(server, "q=cap") == (ids{"6"}));
  }
  running_server reader(shop.store);
  const http_answered refused = reader.ask("/v1/compact", "POST");
  BOOST_TEST(refused.code == 405);
  BOOST_TEST(holds(refused.body, "--writable"), refused.body);
  BOOST_TEST(reader.ask("/v1/compact").code == 404);
}

// Four clients change products while the server compacts by itself and when it is asked, and somebody searches without a pause.
BOOST_AUTO_TEST_CASE(changes_and_searches_go_on_meanwhile) {
  constexpr int clients = 4, ids_of_each = 6;
  const written_shop shop;
  running_server server(shop.store, writing("8"));
  std::atomic<bool> stop = false;
  std::atomic<int> asked = 0, failed = 0, bad = 0;
  std::array<std::map<std::string, int>, clients> prices;  // of what there is
  std::vector<std::thread> crowd;
  crowd.emplace_back([&] {
    while (!stop) {
      failed += server.ask("/v1/search?q=red+shoes").code == 200 ? 0 : 1;
      ++asked;
    }
  });
  for (int c = 0; c < clients; ++c) {
    crowd.emplace_back([&, c, draws = std::mt19937_64(static_cast<std::uint64_t>(c))]() mutable {
      auto& mine = prices[static_cast<std::size_t>(c)];
      while (!stop) {
        const std::string id = "c" + std::to_string(c) + "-" + std::to_string(draws() % ids_of_each), target = "/v1/products/" + id;
        const int price = static_cast<int>(draws() % 1000);
        if (!mine.contains(id)) {
          bad += put(server, id, price) == 201 ? 0 : 1;
          mine[id] = price;
        } else if (draws() % 4 == 0) {
          bad += server.ask(target, "DELETE").code == 204 ? 0 : 1;
          mine.erase(id);
        } else {
          bad += server.ask(target, "PATCH", json{{"price", price}}.dump()).code == 200 ? 0 : 1;
          mine[id] = price;
        }
      }
    });
  }
  BOOST_TEST(soon(server, "argosy_compactions_total", 3));  // by itself
  int begun = 0;
  while (begun < 20) begun += server.ask("/v1/compact", "POST").code == 202 ? 1 : 0;
  stop = true;
  for (auto& one : crowd) one.join();
  BOOST_TEST(server.soon("/healthz",
                         [&](const http_answered&) { return server.ask("/v1/compact", "POST").code == 200; }));  // there is nothing left
  BOOST_TEST(metric(server, "argosy_compactions_total") >= 23u);
  BOOST_TEST(metric(server, "argosy_compaction_failures_total") == 0u);
  BOOST_TEST(asked > 0);
  BOOST_TEST(failed == 0);
  BOOST_TEST(bad == 0);
  ids there;
  for (const auto& mine : prices) {
    for (const auto& [id, price] : mine) {
      there.insert(id);
      BOOST_TEST(server.ask("/v1/products/" + id).object().at("fields").at("price")[0] == price, id);
    }
  }
  BOOST_TEST(found(server, "q=cap&filter=category:caps") == there);
  const std::string now = "generations/" + std::to_string(1'000'000 + metric(server, "argosy_generation")).substr(1);
  const auto maps_of_others = [&] {
    const std::string maps = server.maps();
    std::size_t others = 0;
    for (auto at = maps.find("generations/"); at != std::string::npos; at = maps.find("generations/", at + 1))
      others += maps.compare(at, now.size(), now) == 0 ? 0 : 1;
    return others;
  };
  BOOST_TEST(server.soon("/healthz", [&](const http_answered&) { return maps_of_others() == 0; }), server.maps());
  BOOST_TEST(server.end() == 0);
  // What was published, and the last two that compaction made.
  const auto left = generations_of(shop.store);
  BOOST_REQUIRE(left.size() == 3u);
  BOOST_TEST(left.front() == 1u);
  BOOST_TEST(left.back() >= 24u);
  BOOST_TEST(rubbish_in(shop.store).empty());
  must_run({"generations", "--store", shop.store, "verify"});
}

// Two clients put products, one asks for compactions, until the server is killed.
BOOST_AUTO_TEST_CASE(killed_in_the_middle_no_acknowledged_change_is_lost) {
  constexpr int rounds = 15, clients = 2;
  const written_shop shop;
  std::mt19937_64 random(11);
  struct client {
    std::map<std::string, std::string> told;                     // titles
    std::optional<std::pair<std::string, std::string>> unknown;  // put, and not told
    int bad = 0;
  };
  std::array<client, clients> all;
  std::atomic<int> begun = 0, changes = 0;
  for (int round = 0; round < rounds; ++round) {
    running_server server(shop.store, writing("0"));
    std::vector<std::thread> crowd;
    for (int c = 0; c < clients; ++c) {
      crowd.emplace_back([&, c] {
        client& me = all[static_cast<std::size_t>(c)];
        for (int turn = 0;; ++turn) {
          const std::string id = "c" + std::to_string(c) + "-" + std::to_string(turn % 7);
          const std::string title = "zorro cap " + std::to_string(round) + " " + std::to_string(turn);
          me.unknown = {id, title};
          const int code = server.ask("/v1/products/" + id, "PUT", item(title, turn)).code;
          if (code == 0) return;
          me.bad += code == 200 || code == 201 ? 0 : 1;
          me.told[id] = title;
          me.unknown.reset();
          ++changes;
        }
      });
    }
    crowd.emplace_back([&] {
      for (int code = 1; code != 0;) {
        code = server.ask("/v1/compact", "POST").code;
        begun += code == 202 ? 1 : 0;
      }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 500));
    server.kill();
    for (auto& one : crowd) one.join();

    const auto live = open_live(shop.store, rules_of);
    BOOST_REQUIRE_MESSAGE(live.ok(), live.failure().text());
    const auto title_of = [&](const std::string& id) {
      const auto row = live->row_of(id);
      return row ? std::string(live->facts(*row).title) : std::string();
    };
    for (client& one : all) {
      if (one.unknown) {
        const auto& [id, title] = *one.unknown;
        const std::string now = title_of(id);
        BOOST_TEST((now == title || now == one.told[id]), "round " + std::to_string(round) + ", " + id);
        one.told[id] = now;
        one.unknown.reset();
      }
      for (const auto& [id, title] : one.told) BOOST_TEST(title_of(id) == title, "round " + std::to_string(round) + ", " + id);
    }
  }
  BOOST_TEST(begun > 0);
  BOOST_TEST(changes > rounds);
  for (const client& one : all) BOOST_TEST(one.bad == 0);
  BOOST_TEST_MESSAGE(changes << " changes were acknowledged and " << begun << " compactions begun in " << rounds << " lives");

  // What the killed ones left goes with the next compaction.
  running_server server(shop.store, writing("0"));
  BOOST_TEST(put(server, "last", 1) == 201);
  BOOST_TEST(server.ask("/v1/compact", "POST").code == 202);
  BOOST_TEST(soon(server, "argosy_compactions_total", 1));
  BOOST_TEST(server.end() == 0);
  BOOST_TEST(rubbish_in(shop.store).empty());
  BOOST_TEST(generations_of(shop.store).size() == 3u);
}

// Of a store whose index takes a while: somebody goes back to another generation, and later the server is asked to end.
BOOST_AUTO_TEST_CASE(stopped_or_overtaken_in_the_middle_the_store_is_as_it_was) {
  const written_shop shop;
  publish_to(shop.store, shop.folder);
  {
    running_server server(shop.store, writing("1000000"));
    for (int first = 0; first < many; first += many / 4)
      BOOST_TEST(server.ask("/v1/products", "POST", many_lines(first, many / 4)).code == 200);
    BOOST_TEST(server.ask("/v1/compact", "POST").code == 202);
    BOOST_TEST(metric(server, "argosy_compacting") == 1u);
    BOOST_TEST(server.ask("/v1/compact", "POST").code == 409);
    must_run({"generations", "--store", shop.store, "rollback"});
    BOOST_TEST(soon(server, "argosy_generation", 1));
    BOOST_TEST(put(server, "6", 7) == 201);  // of generation 1, while it compacts what is current no more
    BOOST_TEST(soon(server, "argosy_compaction_failures_total", 1));
    BOOST_TEST(found(server, "q=cap&filter=category:caps") == (ids{"6"}));
    const std::string log = server.log();
    const auto told = log.find("compaction failed");
    BOOST_REQUIRE(told != std::string::npos);
    BOOST_TEST(holds(log, "generation 1 became current meanwhile"), log);
    BOOST_TEST(log.find("compaction failed", told + 1) == std::string::npos, log);
    BOOST_TEST((generations_of(shop.store) == std::vector<std::uint64_t>{1, 2}));
    BOOST_TEST(server.end() == 0);
  }
  must_run({"generations", "--store", shop.store, "rollback", "--to", "2"});
  {
    running_server server(shop.store, writing("1000"));  // by itself
    BOOST_TEST(soon(server, "argosy_compacting", 1));
    BOOST_TEST(put(server, "7", 7) == 201);
    BOOST_TEST(server.end() == 0);
    BOOST_TEST(!holds(server.log(), "compaction failed"), server.log());
  }
  BOOST_TEST((generations_of(shop.store) == std::vector<std::uint64_t>{1, 2}));
  BOOST_TEST(rubbish_in(shop.store).empty());
  const auto live = open_live(shop.store, rules_of);
  require_ok(live.failure());
  BOOST_TEST(live->published().number() == 2u);
  BOOST_TEST(live->put() == static_cast<std::size_t>(many + 1));
}

BOOST_AUTO_TEST_CASE(a_full_disk_fails_the_compaction_alone) {
  const scratch_folder folder;
  const small_disk disk(64u << 20);
  if (!disk) return;
  const fs::path store = disk / "store", filler = disk / "filler";
  publish_to(store, folder);
  running_server server(store, writing("0"));
  BOOST_TEST(put(server, "6", 1) == 201);
  {
    std::ofstream full(filler, std::ios::binary);
    const std::string some(4096, 'x');
    while (full.write(some.data(), static_cast<std::streamsize>(some.size())).flush()) {
    }
  }
  BOOST_TEST(server.ask("/v1/compact", "POST").code == 202);
  BOOST_TEST(soon(server, "argosy_compaction_failures_total", 1));
  BOOST_TEST(holds(server.log(), "No space left on device"), server.log());
  BOOST_TEST(found(server, "q=cap&filter=category:caps") == (ids{"6"}));
  BOOST_TEST(rubbish_in(store).empty());
  fs::remove(filler);
  BOOST_TEST(put(server, "7", 1) == 201);
  BOOST_TEST(server.ask("/v1/compact", "POST").code == 202);
  BOOST_TEST(soon(server, "argosy_generation", 2));
  BOOST_TEST(found(server, "q=cap&filter=category:caps") == (ids{"6", "7"}));
  server.kill();
  running_server again(store, writing("0"));
  BOOST_TEST(found(again, "q=cap&filter=category:caps") == (ids{"6", "7"}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test

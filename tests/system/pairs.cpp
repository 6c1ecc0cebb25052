// `argosy pairs`: the answers of a log's queries, kept; killed at any moment it leaves the store as it was, and goes on.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "data/records.hpp"
#include "index/generation.hpp"
#include "index/pair_table.hpp"
#include "search/searcher.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/system/small_shop.hpp"

using namespace argosy;
using namespace argosy::test;
namespace fs = std::filesystem;
using std::chrono::milliseconds;

namespace {

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Whether an interrupted or killed `pairs` has kept answers.
bool has_answers(const fs::path& store) {
  std::error_code not_yet;
  for (const auto& entry : fs::directory_iterator(store / "pairs-work", not_yet)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("answers-") && name.ends_with(".argosy")) return true;
  }
  return false;
}

// A store of its own with one generation.
struct own_store {
  scratch_folder folder;
  fs::path store = folder / "store";
  own_store() { must_run(publish_arguments(shared_small_shop(), store)); }
  std::vector<std::string> words(const fs::path& log, std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"pairs", "--store", store, "--log", log, "--top", "7"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  fs::path write_log(const std::string& lines) const {
    const fs::path path = folder / "log.tsv";
    std::ofstream(path) << "query\tproduct_id\n" << lines;
    return path;
  }
};

std::vector<std::string> queries_of(const fs::path& log) {
  std::set<std::string> queries;
  const auto read = read_log(
      log,
      [&](std::uint64_t, const log_record& record) {
        queries.insert(record.query);
        return status{};
      },
      [](const refusal&) {});
  BOOST_REQUIRE_MESSAGE(read.ok(), read.text());
  return {queries.begin(), queries.end()};
}

pair_key key_of(const searcher& from, const std::string& query) {
  const auto encoded = from.encoder().encode(query);
  BOOST_REQUIRE_MESSAGE(encoded.ok(), encoded.failure().text());
  return {encoded->id.qid, encoded->id.check};
}

enum class scores { same, rounded };  // those of the query tower with products of bfloat16

// Every query of the log is answered by the table as the index answers it: the same products; or, with rounded scores, scores in their
// order, each near the index's.
void check_answers(const fs::path& store, const fs::path& log, scores kind = scores::same) {
  // A score is an inner product of vectors of length 1; a few layers of factors with 2^-9 of rounding each.
  const float apart = kind == scores::same ? 1e-3F : 16 * 0x1p-9F;
  auto from = searcher::open(store, 1);
  BOOST_REQUIRE_MESSAGE(from.ok(), from.failure().text());
  const auto table = pair_table::open(from->current());
  BOOST_REQUIRE_MESSAGE(table.ok(), table.failure().text());
  BOOST_TEST(table->k() == 7u);
  std::size_t wrong = 0;
  std::vector<hit> found;
  for (const auto& query : queries_of(log)) {
    const std::vector<hit> want = nearest(*from, query, 7);
    const bool known = table->find(key_of(*from, query), 7, found).value();
    const auto near = [&](const hit& a, const hit& b) {
      return (a.row == b.row || kind == scores::rounded) && std::abs(a.score - b.score) < apart;
    };
    wrong += known && std::equal(found.begin(), found.end(), want.begin(), want.end(), near) ? 0 : 1;
  }
  BOOST_TEST(wrong == 0u);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pairs_command)

BOOST_AUTO_TEST_CASE(every_query_of_the_log_is_answered_as_the_index_answers_it) {
  const own_store shop;
  const auto& log = shared_small_shop().log;
  const std::string told = must_run(shop.words(log));
  BOOST_TEST((holds(told, "generation 2, pair table of") && holds(told, "0 refused")), told);
  check_answers(shop.store, log);
  BOOST_TEST(!fs::exists(shop.store / "pairs-work"));
  BOOST_TEST(fs::hard_link_count(shop.store / "generations/000002/index.argosy") == 2u);
  must_run(shop.words(log, {"--shards", "3"}));
  check_answers(shop.store, log);
  BOOST_TEST(!fs::exists(shop.store / "generations/000003/pairs.argosy"));
  BOOST_TEST(fs::exists(shop.store / "generations/000003/pairs-2-3.argosy"));
  must_run({"generations", "--store", shop.store, "verify"});
}

BOOST_AUTO_TEST_CASE(products_of_bfloat16_move_scores_a_little) {
  const own_store shop;
  const auto& log = shared_small_shop().log;
  std::vector<std::string> tables;
  for (const char* arithmetic : {"float32", "float32", "bfloat16"}) {
    must_run(shop.words(log, {"--compute", arithmetic}));
    tables.push_back(bytes_of_file(generation::open_current(shop.store)->path() / "pairs.argosy"));
  }
  BOOST_TEST((tables[0] == tables[1]));
  BOOST_TEST((tables[1] != tables[2]));
  check_answers(shop.store, log, scores::rounded);
}

BOOST_AUTO_TEST_CASE(the_order_of_words_does_not_matter_and_bad_lines_are_counted) {
  const own_store shop;
  const auto log = shop.write_log("red dress\tp1\ndress RED\tp2\nblue shoes\tp1\n!!!\tp1\n\xFF\xFE bad\tp1\nno product\n");
  const std::string told = must_run(shop.words(log));
  BOOST_TEST(holds(told, "6 lines, 2 refused, 1 without words; 2 queries"), told);
  auto from = searcher::open(shop.store, 1);
  BOOST_REQUIRE(from.ok());
  const auto table = pair_table::open(from->current());
  std::vector<hit> found;
  BOOST_TEST(table->find(key_of(*from, "Dress, red!"), 5, found).value());
  BOOST_TEST(found.size() == 5u);
  BOOST_TEST(!table->find(key_of(*from, "red red dress"), 5, found).value());
}

BOOST_AUTO_TEST_CASE(search_answers_from_the_table_and_says_so) {
  const own_store shop;
  must_run(shop.words(shop.write_log("red dress\tp1\n")));
  const auto search = [&](std::vector<std::string> more) {
    std::vector<std::string> all{"search", "--store", shop.store, "--no-restrict"};
    all.insert(all.end(), more.begin(), more.end());
    return must_run(all);
  };
  BOOST_TEST(holds(search({"--json", "-k", "7", "Dress red"}), "\"source\":\"pair table\""));
  BOOST_TEST(holds(search({"-k", "3", "red dress"}), "red dress  (pair table)\n"));
  BOOST_TEST(holds(search({"--json", "-k", "7", "blue dress"}), "\"source\":\"index\""));
  BOOST_TEST(holds(search({"--json", "-k", "8", "red dress"}), "\"source\":\"index\""));
  BOOST_TEST(holds(search({"--json", "--channel", "lexical", "-k", "7", "red dress"}), "\"source\":\"index\""));
  BOOST_TEST(holds(search({"--json", "--live", "-k", "7", "red dress"}), "\"source\":\"index\""));
  const auto ids = [&](const std::string& live) {
    std::vector<std::string> more{"--json", "-k", "7", "red dress"};
    if (!live.empty()) more.push_back(live);
    std::vector<std::string> found;
    const auto answer = nlohmann::json::parse(search(more));
    for (const auto& one : answer.at("results")) found.push_back(one.at("id"));
    return found;
  };
  BOOST_TEST((ids("") == ids("--live")));
}

// What a filter or a name keeps is chosen from a kept answer where that is long enough to have it all, else searched for; the exact index
// finds the same both ways.
BOOST_AUTO_TEST_CASE(filters_and_names_choose_from_the_table) {
  const scratch_folder folder;
  const fs::path store = folder / "store", log = folder / "log.tsv";
  auto publish = publish_arguments(shared_small_shop(), store);
  publish.insert(publish.end(), {"--index", "flat"});
  must_run(publish);
  write_bytes(log, "query\tproduct_id\nred dress\tp1\nblue shoes\tp2\n");
  must_run({"pairs", "--store", store, "--log", log, "--top", "30"});
  std::size_t from_table = 0, from_index = 0, named = 0;
  const auto compare = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"search", "--store", store, "--json"});
    const auto kept = nlohmann::json::parse(must_run(words));
    words.emplace_back("--live");
    const auto searched = nlohmann::json::parse(must_run(words));
    BOOST_TEST(searched.at("source") == "index");
    ++(kept.at("source") == "pair table" ? from_table : from_index);
    BOOST_TEST(kept.at("restricted") == searched.at("restricted"));
    BOOST_REQUIRE(kept.at("results").size() == searched.at("results").size());
    for (std::size_t i = 0; i < kept.at("results").size(); ++i) {
      const auto &a = kept.at("results")[i], &b = searched.at("results")[i];
      BOOST_TEST(a.at("within") == b.at("within"));
      // Scores of the table are on a grid: equal ones may have changed places.
      BOOST_TEST(std::abs(a.at("score").get<double>() - b.at("score").get<double>()) < 1e-3, words.back());
    }
    return kept;
  };
  for (const std::string query : {"red dress", "blue shoes"}) {
    for (const std::string k : {"1", "3", "10", "30"}) {
      named += compare({"-k", k, query}).at("restricted").empty() ? 0 : 1;
      compare({"-k", k, "--no-restrict", query});
      compare({"-k", k, "--filter", "price>0", query});
      compare({"-k", k, "--filter", "price>30", "--no-restrict", query});
    }
  }
  BOOST_TEST(named > 0u);
  BOOST_TEST(from_table > 10u);
  BOOST_TEST(from_index > 0u);
}

BOOST_AUTO_TEST_CASE(the_most_frequent_are_kept) {
  const own_store shop;
  const auto log = shop.write_log("rare one\tp\noften\tp\noften\tp\nmore often\tp\noften more\tp\noften more\tp\nrare two\tp\n");
  for (const char* shards : {"1", "4"}) {
    must_run(shop.words(log, {"--limit", "2", "--shards", shards}));
    auto from = searcher::open(shop.store, 1);
    const auto table = pair_table::open(from->current());
    BOOST_TEST(table->size() == 2u);
    std::vector<hit> found;
    BOOST_TEST(table->find(key_of(*from, "often"), 5, found).value());
    BOOST_TEST(table->find(key_of(*from, "more often"), 5, found).value());
  }
  must_run(shop.words(log, {"--limit", "3"}));
  BOOST_TEST(pair_table::open(searcher::open(shop.store, 1)->current())->size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_log_without_queries_leaves_the_store_as_it_was) {
  const own_store shop;
  const finished end = run_argosy(shop.words(shop.write_log("!!!\tp\n")));
  BOOST_TEST(end.exit_code == 1);
  BOOST_TEST(holds(end.err, "at least one query"), end.err);
  BOOST_TEST(holds(run_argosy(shop.words(shop.folder / "missing.tsv")).err, "missing.tsv"));
  BOOST_TEST(searcher::open(shop.store, 1)->current().number() == 1u);
}

BOOST_AUTO_TEST_CASE(killed_at_any_moment_it_leaves_a_store_that_answers_and_goes_on) {
  const own_store shop;
  std::string lines;
  const std::vector<std::string> colours{"red", "blue", "green", "black", "white"}, things{"dress", "shoes", "shirt", "bag"};
  for (int i = 0; i < 1500; ++i)
    for (const auto& colour : colours)
      for (const auto& thing : things) lines += colour + " " + thing + " " + std::to_string(i) + "\tp\n";
  const auto log = shop.write_log(lines);
  const auto start = std::chrono::steady_clock::now();
  must_run(shop.words(log, {"--shards", "2"}));
  const auto life = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
  const std::string whole = bytes_of_file(shop.store / "generations/000002/pairs-0-2.argosy");
  must_run({"generations", "--store", shop.store, "rollback"});
  must_run({"generations", "--store", shop.store, "prune", "--keep", "1"});
  fs::remove_all(shop.store / "generations/000002");

  const auto words = shop.words(log, {"--shards", "2"});
  const auto check_store = [&] {
    const auto now = generation::open_current(shop.store);
    BOOST_REQUIRE_MESSAGE(now.ok(), now.failure().text());
    BOOST_TEST(now->verify().ok());
    return now->number();
  };
  for (int i = 1; i <= 8 && check_store() == 1; ++i) {
    background_argosy running(words);
    if (running.wait_for(life * i / 9)) break;
    running.signal(SIGKILL);
    (void)running.wait();
  }
  if (check_store() != 1) must_run({"generations", "--store", shop.store, "rollback", "--to", "1"});

  // Once more from the beginning, killed when the first answers are there: those are used.
  fs::remove_all(shop.store / "pairs-work");
  {
    background_argosy running(words);
    while (!has_answers(shop.store)) BOOST_REQUIRE(!running.wait_for(milliseconds(1)));
    running.signal(SIGKILL);
    BOOST_TEST(running.wait() == 128 + SIGKILL);
  }
  BOOST_TEST(check_store() == 1u);
  const std::string told = must_run(words);
  BOOST_TEST(holds(told, "from the run before"), told);
  BOOST_TEST((bytes_of_file(generation::open_current(shop.store)->path() / "pairs-0-2.argosy") == whole));
  check_store();
}

BOOST_AUTO_TEST_CASE(interrupted_it_goes_on_with_the_answers_it_has) {
  const own_store shop;
  std::string lines;
  for (int i = 0; i < 60'000; ++i) lines += "dress " + std::to_string(i) + "\tp\n";
  const auto log = shop.write_log(lines);
  bool stopped = false;
  for (int wait = 100; !stopped && wait < 60'000; wait += wait / 4) {
    fs::remove_all(shop.store);
    must_run(publish_arguments(shared_small_shop(), shop.store));
    background_argosy running(shop.words(log));
    if (running.wait_for(milliseconds(wait))) break;
    running.signal(SIGINT);
    if (running.wait() != 130) continue;
    stopped = has_answers(shop.store);
  }
  BOOST_TEST(searcher::open(shop.store, 1)->current().number() == 1u);
  BOOST_REQUIRE(stopped);
  const std::string told = must_run(shop.words(log));
  BOOST_TEST((holds(told, "from the run before") && holds(told, "60,000 queries")), told);
  BOOST_TEST(pair_table::open(searcher::open(shop.store, 1)->current())->size() == 60'000u);
}

BOOST_AUTO_TEST_SUITE_END()

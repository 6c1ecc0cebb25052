// The C functions of libargosy.so, as a program that knows nothing of the rooms calls them.
#include <argosy.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/library/small_store.hpp"
#include "tests/support/bytes.hpp"

namespace argosy::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Frees what it holds; its address is what the functions take.
template <class Handle, void (*Free)(Handle*)>
class owner {
public:
  owner() = default;
  owner(Handle* held) : held_(held) {}
  owner(owner&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  ~owner() { Free(held_); }
  Handle** operator&() { return &held_; }
  operator Handle*() const { return held_; }

private:
  Handle* held_ = nullptr;
};
using owned_store = owner<argosy_store, argosy_close>;
using owned_answer = owner<argosy_answer, argosy_answer_free>;
using owned_product = owner<argosy_product, argosy_product_free>;
using owned_error = owner<argosy_error, argosy_error_free>;

void check_failed(argosy_code code, const owned_error& why, argosy_code wanted, std::initializer_list<const char*> parts) {
  BOOST_TEST(code == wanted, argosy_error_message(why));
  BOOST_TEST(argosy_error_code(why) == wanted);
  for (const char* part : parts)
    BOOST_TEST((std::strstr(argosy_error_message(why), part) != nullptr), argosy_error_message(why) << " without " << part);
}

void require_done(argosy_code code, const owned_error& why) { BOOST_REQUIRE_MESSAGE(code == ARGOSY_OK, argosy_error_message(why)); }

owned_store opened(const fs::path& path) {
  owned_store store;
  owned_error why;
  require_done(argosy_open(path.c_str(), nullptr, &store, &why), why);
  BOOST_TEST((why == nullptr));
  return store;
}

std::string string(const argosy_text& text) {
  BOOST_TEST(text.bytes[text.length] == '\0');
  return {text.bytes, text.length};
}

json channels_of(std::uint32_t bits) {
  json names = json::array();
  if ((bits & ARGOSY_SEMANTIC) != 0) names.push_back("semantic");
  if ((bits & ARGOSY_LEXICAL) != 0) names.push_back("lexical");
  return names;
}

// As `argosy search --json` prints it, with the generation.
json object_of(const std::string& query, const argosy_answer* answer) {
  argosy_answer_facts facts = ARGOSY_ANSWER_FACTS;
  BOOST_REQUIRE(argosy_answer_get(answer, &facts, nullptr) == ARGOSY_OK);
  json results = json::array(), restricted = json::array();
  for (std::size_t place = 0; place < facts.results; ++place) {
    argosy_result one = ARGOSY_RESULT;
    BOOST_REQUIRE(argosy_answer_result(answer, place, &one, nullptr) == ARGOSY_OK);
    results.push_back({{"id", string(one.id)},
                       {"score", one.score},
                       {"title", string(one.title)},
                       {"channels", channels_of(one.channels)},
                       {"within", one.within == 1}});
  }
  for (std::size_t place = 0; place < facts.restrictions; ++place) {
    argosy_restriction one = ARGOSY_RESTRICTION;
    BOOST_REQUIRE(argosy_answer_restriction(answer, place, &one, nullptr) == ARGOSY_OK);
    json values = json::array();
    for (std::size_t v = 0; v < one.count; ++v) values.push_back(string(one.values[v]));
    restricted.push_back({{"text", string(one.text)}, {"field", string(one.field)}, {"values", values}});
  }
  return {{"query", query}, {"source", facts.source}, {"results", results}, {"restricted", restricted}};
}

json searched(argosy_store* store, const char* query, const argosy_search_options& options = ARGOSY_SEARCH_OPTIONS) {
  owned_answer answer;
  owned_error why;
  require_done(argosy_search(store, query, &options, &answer, &why), why);
  return object_of(query, answer);
}

// More queries together are multiplied in another order: the rounding of sums of at most 32 products, through one layer.
constexpr double rounding = 64 * std::numeric_limits<float>::epsilon();
void check_alike(json one, json other) {
  BOOST_REQUIRE(one.at("results").size() == other.at("results").size());
  for (std::size_t place = 0; place < one.at("results").size(); ++place) {
    json &score = one.at("results")[place].at("score"), &others = other.at("results")[place].at("score");
    BOOST_TEST(std::abs(score.get<double>() - others.get<double>()) < rounding);
    score = others;
  }
  BOOST_TEST(one == other);
}

argosy_store_facts facts_of(const argosy_store* store) {
  argosy_store_facts facts = ARGOSY_STORE_FACTS;
  BOOST_REQUIRE(argosy_store_get(store, &facts, nullptr) == ARGOSY_OK);
  return facts;
}

std::size_t threads_there() {
  const fs::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

const small_store& shared_store() {
  static const small_store made;
  static const bool kept = (made.keep_pairs(), true);
  (void)kept;
  return made;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(c_functions)

BOOST_AUTO_TEST_CASE(answers_are_those_of_argosy_search) {
  const small_store& shop = shared_store();
  const owned_store store = opened(shop.path());
  BOOST_TEST(facts_of(store).products == 5u);
  for (const char* query : {"zorro shoes", "red things", "maxima bags and more", "包"}) {
    for (const char* channel : {"semantic", "lexical", "hybrid"}) {
      argosy_search_options options = ARGOSY_SEARCH_OPTIONS;
      options.channel = channel;
      options.k = 4;
      BOOST_TEST(searched(store, query, options) == shop.searched({"-k", "4", "--channel", channel, query}));
      options.filter = "price:[150 TO 400]";
      BOOST_TEST(searched(store, query, options) == shop.searched({"-k", "4", "--channel", channel, "--filter", options.filter, query}));
      options.restricts = 0;
      options.filter = "";
      BOOST_TEST(searched(store, query, options) == shop.searched({"-k", "4", "--channel", channel, "--no-restrict", query}));
    }
  }
  const json restricted = searched(store, "zorro shoes");
  BOOST_TEST(restricted.at("restricted").at(0).at("values") == json::array({"Zorro"}));
}

BOOST_AUTO_TEST_CASE(what_is_kept_is_answered_by_the_pair_table_unless_asked_otherwise) {
  const owned_store store = opened(shared_store().path());
  argosy_search_options options = ARGOSY_SEARCH_OPTIONS;
  options.k = 3;
  const json kept = searched(store, "things red", options);
  BOOST_TEST(kept.at("source") == "pair table");
  options.live = 1;
  const json found = searched(store, "things red", options);
  BOOST_TEST(found.at("source") == "index");
  BOOST_TEST(found.at("results").at(0).at("id") == kept.at("results").at(0).at("id"));
  BOOST_TEST(found == shared_store().searched({"-k", "3", "--live", "things red"}));
}

BOOST_AUTO_TEST_CASE(many_together_are_answered_as_one_by_one_and_refused_one_by_one) {
  const owned_store store = opened(shared_store().path());
  const char* const queries[] = {"zorro shoes", "!!!", "red things", "\xff", "maxima bags", "zorro shoes"};
  constexpr std::size_t count = std::size(queries);
  argosy_answer* made[count];
  BOOST_REQUIRE(argosy_search_many(store, queries, count, nullptr, made, nullptr) == ARGOSY_OK);
  const std::vector<owned_answer> answers(std::begin(made), std::end(made));
  for (const std::size_t q : {0, 2, 4, 5}) {
    BOOST_TEST((argosy_answer_refusal(answers[q]) == nullptr));
    check_alike(object_of(queries[q], answers[q]), searched(store, queries[q]));
  }
  for (const std::size_t q : {1, 3}) {
    BOOST_TEST(argosy_error_code(argosy_answer_refusal(answers[q])) == ARGOSY_INVALID_ARGUMENT);
    BOOST_TEST(object_of(queries[q], answers[q]).at("results").empty());
    owned_answer alone;
    owned_error why;
    BOOST_TEST(argosy_search(store, queries[q], nullptr, &alone, &why) == ARGOSY_INVALID_ARGUMENT);
    BOOST_TEST(std::string(argosy_error_message(why)) == argosy_error_message(argosy_answer_refusal(answers[q])));
    BOOST_TEST((alone == nullptr));
  }
  BOOST_TEST(argosy_search_many(store, nullptr, 0, nullptr, nullptr, nullptr) == ARGOSY_OK);
}

BOOST_AUTO_TEST_CASE(a_product_by_its_id) {
  const owned_store store = opened(shared_store().path());
  owned_product product;
  BOOST_REQUIRE(argosy_product_open(store, "1", &product, nullptr) == ARGOSY_OK);
  argosy_product_facts facts = ARGOSY_PRODUCT_FACTS;
  BOOST_REQUIRE(argosy_product_get(product, &facts, nullptr) == ARGOSY_OK);
  BOOST_TEST(string(facts.id) == "1");
  BOOST_TEST(string(facts.title) == "zorro running shoes");
  BOOST_TEST(string(facts.image) == "run.jpg");
  owned_product none;
  owned_error why;
  check_failed(argosy_product_open(store, "none", &none, &why), why, ARGOSY_NOT_FOUND, {"no product is called none"});
  BOOST_TEST((none == nullptr));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_named) {
  const owned_store store = opened(shared_store().path());
  owned_answer answer;
  owned_error why;
  const auto refused = [&](auto change, const char* query, std::initializer_list<const char*> parts) {
    argosy_search_options options = ARGOSY_SEARCH_OPTIONS;
    change(options);
    check_failed(argosy_search(store, query, &options, &answer, &why), why, ARGOSY_INVALID_ARGUMENT, parts);
    BOOST_TEST((answer == nullptr));
  };
  const auto as_is = [](argosy_search_options&) {};
  refused(as_is, "", {"word"});
  refused(as_is, "!!!", {"word"});
  refused(as_is, "red \xff\xfe", {"UTF-8"});
  refused([](auto& options) { options.k = 0; }, "a", {"k: want 1 to 1000000, found 0"});
  refused([](auto& options) { options.k = 1'000'001; }, "a", {"k: want 1 to 1000000, found 1000001"});
  refused([](auto& options) { options.channel = "best"; }, "a", {"channel: want semantic, lexical or hybrid, found best"});
  refused([](auto& options) { options.filter = "AND"; }, "a", {"filter", "column 1"});
  refused([](auto& options) { options.filter = "nosuch:1"; }, "a", {"no field is called nosuch"});
  refused([](auto& options) { options.restricts = 2; }, "a", {"restricts: want 0 to 1, found 2"});
  refused([](auto& options) { options.live = -1; }, "a", {"live: want 0 to 1, found -1"});
  refused([](auto& options) { options.size = 0; }, "a", {"size: want ", "ARGOSY_SEARCH_OPTIONS", "found 0"});
  refused([](auto& options) { ++options.size; }, "a", {"size"});

  const char* const queries[] = {"red things", nullptr};
  argosy_answer* answers[2] = {};
  argosy_search_options options = ARGOSY_SEARCH_OPTIONS;
  check_failed(argosy_search_many(store, queries, 2, &options, answers, &why), why, ARGOSY_INVALID_ARGUMENT, {"place 1: query", "NULL"});
  options.filter = "AND";
  check_failed(argosy_search_many(store, queries, 1, &options, answers, &why), why, ARGOSY_INVALID_ARGUMENT, {"filter"});
  BOOST_TEST((answers[0] == nullptr));

  owned_store none;
  argosy_open_options wrong = ARGOSY_OPEN_OPTIONS;
  wrong.threads = -1;
  check_failed(argosy_open("x", &wrong, &none, &why), why, ARGOSY_INVALID_ARGUMENT, {"threads: want 0 to 1024, found -1"});
  wrong = {sizeof(wrong), 1, 1};
  check_failed(argosy_open("x", &wrong, &none, &why), why, ARGOSY_INVALID_ARGUMENT, {"reserved"});
  wrong = {3, 1, 0};
  check_failed(argosy_open("x", &wrong, &none, &why), why, ARGOSY_INVALID_ARGUMENT, {"ARGOSY_OPEN_OPTIONS", "found 3"});
  check_failed(argosy_open("/nowhere/store", nullptr, &none, &why), why, ARGOSY_NOT_FOUND, {"/nowhere/store"});
  BOOST_TEST((none == nullptr));
}

BOOST_AUTO_TEST_CASE(null_is_refused_everywhere_and_freed_as_nothing) {
  const owned_store store = opened(shared_store().path());
  owned_answer answer;
  BOOST_REQUIRE(argosy_search(store, "shoes", nullptr, &answer, nullptr) == ARGOSY_OK);
  owned_product product;
  BOOST_REQUIRE(argosy_product_open(store, "1", &product, nullptr) == ARGOSY_OK);
  argosy_store* other = nullptr;
  argosy_answer* found = nullptr;
  argosy_product* kept = nullptr;
  argosy_store_facts store_facts = ARGOSY_STORE_FACTS;
  argosy_answer_facts answer_facts = ARGOSY_ANSWER_FACTS;
  argosy_product_facts product_facts = ARGOSY_PRODUCT_FACTS;
  argosy_result result = ARGOSY_RESULT;
  argosy_restriction restriction = ARGOSY_RESTRICTION;
  const char* const queries[] = {"a"};
  owned_error why;
  const auto refused = [&](argosy_code code, const char* name) { check_failed(code, why, ARGOSY_INVALID_ARGUMENT, {name, "found NULL"}); };
  refused(argosy_open(nullptr, nullptr, &other, &why), "path");
  refused(argosy_open("x", nullptr, nullptr, &why), "store");
  refused(argosy_refresh(nullptr, nullptr, &why), "store");
  refused(argosy_store_get(nullptr, &store_facts, &why), "store");
  refused(argosy_store_get(store, nullptr, &why), "facts");
  refused(argosy_search(nullptr, "a", nullptr, &found, &why), "store");
  refused(argosy_search(store, nullptr, nullptr, &found, &why), "query");
  refused(argosy_search(store, "a", nullptr, nullptr, &why), "answer");
  refused(argosy_search_many(nullptr, queries, 1, nullptr, &found, &why), "store");
  refused(argosy_search_many(store, nullptr, 1, nullptr, &found, &why), "queries");
  refused(argosy_search_many(store, queries, 1, nullptr, nullptr, &why), "answers");
  refused(argosy_answer_get(nullptr, &answer_facts, &why), "answer");
  refused(argosy_answer_get(answer, nullptr, &why), "facts");
  refused(argosy_answer_result(nullptr, 0, &result, &why), "answer");
  refused(argosy_answer_result(answer, 0, nullptr, &why), "result");
  refused(argosy_answer_restriction(nullptr, 0, &restriction, &why), "answer");
  refused(argosy_answer_restriction(answer, 0, nullptr, &why), "restriction");
  refused(argosy_product_open(nullptr, "1", &kept, &why), "store");
  refused(argosy_product_open(store, nullptr, &kept, &why), "id");
  refused(argosy_product_open(store, "1", nullptr, &why), "product");
  refused(argosy_product_get(nullptr, &product_facts, &why), "product");
  refused(argosy_product_get(product, nullptr, &why), "facts");
  BOOST_TEST(argosy_search(nullptr, nullptr, nullptr, nullptr, nullptr) == ARGOSY_INVALID_ARGUMENT);
  BOOST_TEST(std::string(argosy_error_message(nullptr)).empty());
  BOOST_TEST(argosy_error_code(nullptr) == ARGOSY_OK);
  BOOST_TEST((argosy_answer_refusal(nullptr) == nullptr));
  argosy_close(nullptr);
  argosy_answer_free(nullptr);
  argosy_product_free(nullptr);
  argosy_error_free(nullptr);
}

BOOST_AUTO_TEST_CASE(a_struct_of_another_size_is_not_written) {
  const owned_store store = opened(shared_store().path());
  owned_answer answer;
  BOOST_REQUIRE(argosy_search(store, "zorro", nullptr, &answer, nullptr) == ARGOSY_OK);
  argosy_result result = ARGOSY_RESULT;
  result.size -= 8;
  result.score = -7;
  owned_error why;
  check_failed(argosy_answer_result(answer, 0, &result, &why), why, ARGOSY_INVALID_ARGUMENT, {"ARGOSY_RESULT"});
  BOOST_TEST(result.score == -7);
  result = ARGOSY_RESULT;
  check_failed(argosy_answer_result(answer, 5, &result, &why), why, ARGOSY_NOT_FOUND, {"want one of 5 results, found 5"});
  argosy_restriction restriction = ARGOSY_RESTRICTION;
  check_failed(argosy_answer_restriction(answer, 1, &restriction, &why), why, ARGOSY_NOT_FOUND, {"want one of 1 restrictions, found 1"});
}

BOOST_AUTO_TEST_CASE(an_error_is_replaced_and_goes_when_a_call_succeeds) {
  const owned_store store = opened(shared_store().path());
  owned_error why;
  owned_answer answer;
  BOOST_TEST(argosy_search(store, "!!!", nullptr, &answer, &why) == ARGOSY_INVALID_ARGUMENT);
  const std::string first = argosy_error_message(why);
  BOOST_TEST(argosy_search(store, "\xff", nullptr, &answer, &why) == ARGOSY_INVALID_ARGUMENT);
  BOOST_TEST(first != argosy_error_message(why));
  BOOST_TEST(argosy_search(store, "shoes", nullptr, &answer, &why) == ARGOSY_OK);
  BOOST_TEST((why == nullptr));
}

BOOST_AUTO_TEST_CASE(an_answer_outlives_its_store) {
  owned_answer answer;
  json before;
  {
    const owned_store store = opened(shared_store().path());
    BOOST_REQUIRE(argosy_search(store, "zorro shoes", nullptr, &answer, nullptr) == ARGOSY_OK);
    before = object_of("zorro shoes", answer);
  }
  BOOST_TEST(object_of("zorro shoes", answer) == before);
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_named) {
  const small_store shop;
  owned_error why;
  for (const char* name : {"products.argosy", "terms.argosy", "model.safetensors", "MANIFEST"}) {
    const fs::path file = shop.path() / "generations/000001" / name;
    const std::string whole = bytes_of_file(file);
    std::string damaged = whole;
    damaged[damaged.size() / 2] ^= 1;
    write_bytes(file, damaged);
    owned_store store;
    const argosy_code code = argosy_open(shop.path().c_str(), nullptr, &store, &why);
    check_failed(code, why, ARGOSY_CORRUPT, {name});
    BOOST_TEST((store == nullptr));
    write_bytes(file, whole);
  }
  opened(shop.path());
}

// Vectors are verified by the search that first reads them.
BOOST_AUTO_TEST_CASE(a_damaged_vector_is_the_failure_of_the_search) {
  const small_store shop;
  const fs::path file = shop.path() / "generations/000001/index.argosy";
  std::string bytes = bytes_of_file(file);
  bytes[130] ^= 1;  // of the first section, behind the first 64 bytes (schema/FORMATS.md)
  write_bytes(file, bytes);
  const owned_store store = opened(shop.path());
  owned_answer answer;
  owned_error why;
  check_failed(argosy_search(store, "shoes", nullptr, &answer, &why), why, ARGOSY_CORRUPT, {"index.argosy"});
}

BOOST_AUTO_TEST_CASE(more_threads_answer_the_same) {
  argosy_open_options options = ARGOSY_OPEN_OPTIONS;
  for (const int threads : {0, 2}) {
    options.threads = threads;
    owned_store store;
    BOOST_REQUIRE(argosy_open(shared_store().path().c_str(), &options, &store, nullptr) == ARGOSY_OK);
    check_alike(searched(store, "zorro shoes"), shared_store().searched({"zorro shoes"}));
  }
}

BOOST_AUTO_TEST_CASE(refresh_takes_up_changes_and_generations_and_nothing_else) {
  const small_store shop;
  const owned_store store = opened(shop.path());
  std::int32_t changed = 7;
  const auto refreshed = [&] {
    owned_error why;
    require_done(argosy_refresh(store, &changed, &why), why);
    return changed;
  };
  const auto check_same = [&] {
    for (const char* query : {"zorro shoes", "red things"}) BOOST_TEST(searched(store, query) == shop.searched({query}));
  };
  BOOST_TEST(refreshed() == 0);
  shop.put("6\tzorro sandals\t\tZorro\tSandals\t150\n");
  BOOST_TEST(facts_of(store).products == 5u);
  BOOST_TEST(refreshed() == 1);
  BOOST_TEST(facts_of(store).products == 6u);
  BOOST_TEST(facts_of(store).generation == 1u);
  check_same();
  BOOST_TEST(refreshed() == 0);
  shop.remove("1");
  BOOST_TEST(refreshed() == 1);
  check_same();
  owned_product gone;
  BOOST_TEST(argosy_product_open(store, "1", &gone, nullptr) == ARGOSY_NOT_FOUND);
  shop.publish();
  BOOST_TEST(refreshed() == 1);
  BOOST_TEST(facts_of(store).generation == 2u);
  BOOST_TEST(facts_of(store).products == 5u);
  check_same();
  BOOST_TEST(argosy_refresh(store, nullptr, nullptr) == ARGOSY_OK);
}

BOOST_AUTO_TEST_CASE(after_a_refresh_that_fails_the_store_answers_as_before) {
  const small_store shop;
  const owned_store store = opened(shop.path());
  const json before = searched(store, "zorro shoes");
  const std::string current = bytes_of_file(shop.path() / "CURRENT");
  write_bytes(shop.path() / "CURRENT", "000009 nothing\n");
  std::int32_t changed = 7;
  owned_error why;
  BOOST_TEST(argosy_refresh(store, &changed, &why) != ARGOSY_OK);
  BOOST_TEST(std::string(argosy_error_message(why)).find("CURRENT") != std::string::npos, argosy_error_message(why));
  BOOST_TEST(changed == 7);
  BOOST_TEST(searched(store, "zorro shoes") == before);
  write_bytes(shop.path() / "CURRENT", current);
  BOOST_TEST(argosy_refresh(store, &changed, &why) == ARGOSY_OK);
  BOOST_TEST(changed == 0);
}

BOOST_AUTO_TEST_CASE(opening_and_searching_starts_no_thread) {
  const std::size_t before = threads_there();
  const owned_store store = opened(shared_store().path());
  for (const char* channel : {"semantic", "lexical", "hybrid"}) {
    argosy_search_options options = ARGOSY_SEARCH_OPTIONS;
    options.channel = channel;
    options.live = 1;
    searched(store, "zorro shoes", options);
  }
  BOOST_TEST(threads_there() == before);
}

BOOST_AUTO_TEST_CASE(different_stores_are_searched_in_different_threads) {
  const small_store& shop = shared_store();
  std::vector<json> expected;
  const std::vector<const char*> queries{"zorro shoes", "maxima bags", "red things", "casual"};
  for (const char* query : queries) expected.push_back(shop.searched({query}));
  std::vector<int> wrong(4, 0);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < wrong.size(); ++t) {
      threads.emplace_back([&, t] {
        argosy_store* store = nullptr;
        if (argosy_open(shop.path().c_str(), nullptr, &store, nullptr) != ARGOSY_OK) ++wrong[t];
        for (std::size_t i = 0; i < 40 && store != nullptr; ++i) {
          const std::size_t q = (i + t) % queries.size();
          argosy_answer* answer = nullptr;
          if (argosy_search(store, queries[q], nullptr, &answer, nullptr) != ARGOSY_OK) ++wrong[t];
          argosy_result best = ARGOSY_RESULT;
          if (argosy_answer_result(answer, 0, &best, nullptr) != ARGOSY_OK)
            ++wrong[t];
          else if (expected[q].at("results").at(0).at("id") != best.id.bytes)
            ++wrong[t];
          argosy_answer_free(answer);
        }
        argosy_close(store);
      });
    }
  }
  for (const int count : wrong) BOOST_TEST(count == 0);
}

BOOST_AUTO_TEST_CASE(the_version_is_that_of_the_program) {
  BOOST_TEST(must_run({"--version"}) == std::string("argosy ") + argosy_version() + "\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test

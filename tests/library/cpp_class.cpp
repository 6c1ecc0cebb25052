// The C++ class of argosy.hpp. Nothing of the rooms is included here: a program that embeds Argosy has nothing of them.
#include <argosy.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/library/small_store.hpp"

namespace argosy::test {
namespace {

std::vector<std::string> ids(const answer& from) {
  std::vector<std::string> all;
  for (const found& one : from.results) all.push_back(one.id);
  return all;
}

template <class Work>
void check_thrown(Work work, argosy_code code, const std::string& part) {
  try {
    work();
    BOOST_ERROR("nothing was thrown");
  } catch (const error& thrown) {
    BOOST_TEST(thrown.code() == code, thrown.what());
    BOOST_TEST(std::string(thrown.what()).find(part) != std::string::npos, thrown.what());
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cpp_class)

BOOST_AUTO_TEST_CASE(the_verbs) {
  const small_store shop;
  shop.keep_pairs();
  store opened(shop.path());
  BOOST_TEST(opened.products() == 5u);
  BOOST_TEST(opened.generation() == 2u);

  const answer zorro = opened.search("zorro shoes", {.k = 2, .channel = "hybrid"});
  const auto printed = shop.searched({"-k", "2", "--channel", "hybrid", "zorro shoes"});
  BOOST_REQUIRE(zorro.results.size() == 2u);
  BOOST_TEST(zorro.results[0].id == printed["results"][0]["id"]);
  BOOST_TEST(zorro.results[0].title == printed["results"][0]["title"]);
  BOOST_TEST(zorro.results[0].score == printed["results"][0]["score"].get<double>());
  BOOST_TEST(zorro.results[0].semantic);
  BOOST_TEST(zorro.results[0].lexical);
  BOOST_TEST(zorro.results[0].within);
  BOOST_TEST(zorro.source == "index");
  BOOST_TEST(zorro.generation == 2u);
  BOOST_REQUIRE(zorro.restricted.size() == printed["restricted"].size());
  BOOST_TEST(zorro.restricted[0].text == "zorro");
  BOOST_TEST(zorro.restricted[0].field == "brand");
  BOOST_TEST(zorro.restricted[0].values == std::vector<std::string>{"Zorro"});

  const auto many = opened.search_many({"red things", "!!!", "zorro shoes"}, {.k = 3});
  BOOST_REQUIRE(many.size() == 3u);
  BOOST_TEST(many[0].source == "pair table");
  BOOST_TEST(!many[1].refusal.empty());
  BOOST_TEST(many[1].results.empty());
  BOOST_TEST(many[2].refusal.empty());
  BOOST_TEST(ids(many[2]) == ids(opened.search("zorro shoes", {.k = 3})));
  BOOST_TEST(opened.search_many({}).empty());
  BOOST_TEST(ids(opened.search("things", {.filter = "price>450"})) == std::vector<std::string>{"5"});

  BOOST_TEST(opened.product("5")->title == "maxima 包");
  BOOST_TEST(!opened.product("6"));
  BOOST_TEST(!opened.refresh());
  shop.remove("5");
  BOOST_TEST(opened.refresh());
  BOOST_TEST(!opened.product("5"));

  store moved = std::move(opened);
  BOOST_TEST(moved.products() == 4u);
  opened = std::move(moved);
  BOOST_TEST(opened.products() == 4u);
}

BOOST_AUTO_TEST_CASE(failures_are_thrown) {
  check_thrown([] { store("/nowhere"); }, ARGOSY_NOT_FOUND, "/nowhere");
  const small_store shop;
  check_thrown([&] { store(shop.path(), -1); }, ARGOSY_INVALID_ARGUMENT, "threads");
  store opened(shop.path());
  check_thrown([&] { opened.search("!!!"); }, ARGOSY_INVALID_ARGUMENT, "word");
  check_thrown([&] { opened.search(std::string("red\0dress", 9)); }, ARGOSY_INVALID_ARGUMENT, "NUL");
  check_thrown([&] { opened.search("red", {.k = 0}); }, ARGOSY_INVALID_ARGUMENT, "k: want");
  check_thrown([&] { opened.search_many({"red"}, {.filter = "AND"}); }, ARGOSY_INVALID_ARGUMENT, "filter");
  const store taken = std::move(opened);
  check_thrown([&] { opened.search("red"); }, ARGOSY_INVALID_ARGUMENT, "store: want an address, found NULL");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test

// Filters, restriction and channels, by the program.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/folders.hpp"
#include "tests/system/small_shop.hpp"

namespace argosy::test {
namespace {

using nlohmann::json;
using words = std::vector<std::string>;

json answer_of(const std::filesystem::path& store, const words& arguments) {
  words command{"search", "--store", store, "--json"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return json::parse(must_run(command));
}

// A store of five products that says itself what each is.
struct five_products {
  scratch_folder folder;
  std::filesystem::path store = folder / "store";

  explicit five_products(const words& more = {}) {
    std::ofstream(folder / "products.tsv") << "id\ttitle\timage\tbrand\tcategory\tprice\n"
                                              "1\tzorro running shoes\t\tZorro\tSports Shoes\t100\n"
                                              "2\tzorro casual shoes\t\tZorro\tCasual Shoes\t200\n"
                                              "3\tmaxima casual shoes\t\tMaxima\tCasual Shoes\t300\n"
                                              "4\tzorro bag\t\tZorro\tBags\t400\n"
                                              "5\tmaxima bag\t\tMaxima\tBags\t500\n";
    words command{"publish", "--run", shared_small_shop().run, "--catalogue", folder / "products.tsv", "--store", store};
    command.insert(command.end(), more.begin(), more.end());
    must_run(command);
  }
};

std::vector<std::string> ids(const json& answer, bool within) {
  std::vector<std::string> found;
  for (const auto& result : answer.at("results"))
    if (result.at("within") == within) found.push_back(result.at("id"));
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(relevance)

BOOST_AUTO_TEST_CASE(only_what_a_filter_keeps_is_answered) {
  const five_products shop;
  for (const char* channel : {"semantic", "lexical", "hybrid"}) {
    const auto answer = answer_of(shop.store, {"--channel", channel, "--filter", "price:[200 TO 400] AND NOT brand:maxima", "zorro shoes"});
    for (const auto& result : answer.at("results")) BOOST_TEST((result.at("id") == "2" || result.at("id") == "4"), answer.dump());
    BOOST_TEST(!answer.at("results").empty());
  }
  BOOST_TEST(answer_of(shop.store, {"--filter", "brand:none", "shoes"}).at("results").empty());
}

BOOST_AUTO_TEST_CASE(a_brand_and_a_category_in_the_query_come_first) {
  const five_products shop;
  const auto answer = answer_of(shop.store, {"Zorro shoe"});
  BOOST_TEST(ids(answer, true) == (words{"1", "2"}));
  BOOST_TEST(ids(answer, false) == (words{"3", "4", "5"}));
  const json expected = json::parse(R"([{"text":"zorro","field":"brand","values":["Zorro"]},
                                        {"text":"shoe","field":"category","values":["Casual Shoes","Sports Shoes"]}])");
  BOOST_TEST(answer.at("restricted") == expected);
  const auto free = answer_of(shop.store, {"--no-restrict", "Zorro shoe"});
  BOOST_TEST(free.at("restricted").empty());
  BOOST_TEST(ids(free, true).size() == 5u);
}

BOOST_AUTO_TEST_CASE(names_that_keep_nothing_together_are_dropped) {
  const five_products shop;
  const auto answer = answer_of(shop.store, {"--filter", "category:bags", "zorro sports shoes"});
  BOOST_TEST(ids(answer, true) == words{"4"});
  BOOST_TEST(ids(answer, false) == words{"5"});
  BOOST_TEST(answer.at("restricted").size() == 1u);
}

BOOST_AUTO_TEST_CASE(aliases_restrict) {
  const scratch_folder folder;
  std::ofstream(folder / "aliases.tsv") << "alias\tfield\tvalue\nsneakers\tcategory\tcasual shoes\n";
  const five_products shop({"--aliases", folder / "aliases.tsv"});
  BOOST_TEST(ids(answer_of(shop.store, {"sneakers"}), true) == (words{"2", "3"}));
}

BOOST_AUTO_TEST_CASE(each_result_says_its_channels) {
  const five_products shop;
  const auto answer = answer_of(shop.store, {"--channel", "hybrid", "--no-restrict", "maxima bag"});
  for (const auto& result : answer.at("results")) {
    const bool has_word = result.at("id") != "1" && result.at("id") != "2";
    BOOST_TEST(result.at("channels").size() == (has_word ? 2u : 1u), answer.dump());
  }
}

BOOST_AUTO_TEST_CASE(every_channel_is_measured_with_and_without_restriction) {
  const auto& shop = shared_small_shop();
  const auto measured = json::parse(must_run({"evaluate", "--store", shop.store, "--queries", shop.queries, "--qrels", shop.qrels,
                                              "--channels", "--log", shop.log, "-k", "10", "--json"}));
  BOOST_TEST_REQUIRE(measured.at("rows").size() == 6u);
  std::size_t queries = 0;
  for (const auto& row : measured.at("rows")) {
    for (const char* share : {"p_cate"}) BOOST_TEST((row.at(share) >= 0 && row.at(share) <= 1));
    for (const char* share : {"recall@10", "precision@10"}) BOOST_TEST((row.at("all").at(share) >= 0 && row.at("all").at(share) <= 1));
    BOOST_TEST((row.at("restricted_queries") > 0) == row.at("restricted").get<bool>());
    queries = row.at("all").at("queries").get<std::size_t>() + row.at("all").at("without_relevant").get<std::size_t>();
  }
  BOOST_TEST(measured.at("intents_from_log").get<std::size_t>() + measured.at("intents_from_judgements").get<std::size_t>() == queries);
}

BOOST_AUTO_TEST_CASE(mistakes_in_a_filter_or_weights_are_told) {
  const five_products shop;
  const auto refused = [&](const words& arguments, const char* why) {
    words command{"search", "--store", shop.store};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const finished end = run_argosy(command);
    BOOST_TEST(end.exit_code == 1);
    BOOST_TEST((end.err.find(why) != std::string::npos), end.err);
  };
  refused({"--filter", "brnd:zorro", "shoes"}, "filter, column 1: no field is called brnd; there are brand, category, price");
  refused({"--filter", "price:[1 TO", "shoes"}, "filter, column 12: want a number, found the end");
  refused({"--weights", "0,0", "shoes"}, "--weights: want those of semantic and lexical");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test

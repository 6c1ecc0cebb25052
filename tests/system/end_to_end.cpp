// The main road, as a user walks it.
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/support/folders.hpp"
#include "tests/system/small_shop.hpp"

using namespace argosy::test;
using nlohmann::json;

namespace {

std::vector<json> json_lines(const std::string& text) {
  std::vector<json> objects;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) objects.push_back(json::parse(line));
  return objects;
}

// Best first; after those that the query's names keep the others, if any, again best first.
void check_ranked(const json& results, std::size_t count) {
  BOOST_REQUIRE(results.size() == count);
  std::set<std::string> ids;
  for (std::size_t i = 0; i < count; ++i) {
    ids.insert(results[i].at("id").get<std::string>());
    BOOST_TEST(results[i].at("title").is_string());
    if (i == 0) continue;
    const bool same_part = results[i].at("within") == results[i - 1].at("within");
    if (same_part) BOOST_TEST(results[i].at("score").get<double>() <= results[i - 1].at("score").get<double>());
    BOOST_TEST(results[i].at("within").get<bool>() <= results[i - 1].at("within").get<bool>());
  }
  BOOST_TEST(ids.size() == count);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(end_to_end)

BOOST_AUTO_TEST_CASE(a_published_shop_answers_a_query) {
  const auto& shop = shared_small_shop();
  const auto answers = json_lines(must_run({"search", "--store", shop.store, "-k", "5", "--json", "red dress"}));
  BOOST_REQUIRE(answers.size() == 1);
  BOOST_TEST(answers[0].at("query") == "red dress");
  check_ranked(answers[0].at("results"), 5);
}

BOOST_AUTO_TEST_CASE(the_order_of_words_does_not_matter) {
  const auto& shop = shared_small_shop();
  const auto answers = json_lines(must_run({"search", "--store", shop.store, "--json"}, "red dress\ndress red\n"));
  BOOST_REQUIRE(answers.size() == 2);
  BOOST_TEST(answers[0].at("results") == answers[1].at("results"));
}

BOOST_AUTO_TEST_CASE(more_results_than_products_are_all_products) {
  const auto& shop = shared_small_shop();
  const auto answers = json_lines(must_run({"search", "--store", shop.store, "-k", "1000", "--json", "黑色 连衣裙"}));
  BOOST_REQUIRE(answers.size() == 1);
  check_ranked(answers[0].at("results"), 60);
}

BOOST_AUTO_TEST_CASE(lines_that_cannot_be_answered_are_named_and_the_others_answered) {
  const auto& shop = shared_small_shop();
  const finished end = run_argosy({"search", "--store", shop.store, "--json"}, "red dress\n\nshoe \xFF\nbag\r\n...\n");
  BOOST_TEST(end.exit_code == 1);
  const auto answers = json_lines(end.out);
  BOOST_REQUIRE(answers.size() == 4);
  BOOST_TEST((answers[0].contains("results") && answers[2].contains("results")));
  BOOST_TEST(answers[2].at("query") == "bag");
  BOOST_TEST((!answers[1].at("error").empty() && !answers[3].at("error").empty()));
  BOOST_TEST(answers[3].at("query") == "...");
  for (const char* line : {"line 3: ", "line 5: ", "2 of 5 lines"}) {
    BOOST_TEST((end.err.find(line) != std::string::npos), line << " is not in " << end.err);
  }
}

BOOST_AUTO_TEST_CASE(evaluation_gives_every_part_in_range) {
  const auto& shop = shared_small_shop();
  const auto object = json::parse(
      must_run({"evaluate", "--store", shop.store, "--queries", shop.queries, "--qrels", shop.qrels, "--json", "-k", "1,10,60"}));
  for (const char* part : {"all", "needs_image", "other"}) {
    const auto& figures = object.at(part);
    BOOST_TEST(figures.at("recall@1").get<double>() <= figures.at("recall@10").get<double>());
    BOOST_TEST(figures.at("precision@10").get<double>() <= 1.0);
  }
  BOOST_TEST(object.at("all").at("queries").get<int>() > 0);
  BOOST_TEST(object.at("all").at("queries").get<int>() ==
             object.at("needs_image").at("queries").get<int>() + object.at("other").at("queries").get<int>());
  BOOST_TEST(object.at("all").at("recall@60").get<double>() == 1.0);  // every product is among the first 60
  BOOST_TEST(object.at("unknown_products") == 0);
}

BOOST_AUTO_TEST_CASE(judgements_that_name_the_unknown_are_counted) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  std::ofstream(folder / "queries.tsv") << "query_id\tquery\nq1\tred dress\nq2\tbag\nq3\t...\n";
  std::ofstream(folder / "qrels.tsv") << "query_id\tproduct_id\tgrade\nq1\tnobody\t1\nq9\tnobody\t1\n";
  const auto object = json::parse(
      must_run({"evaluate", "--store", shop.store, "--queries", folder / "queries.tsv", "--qrels", folder / "qrels.tsv", "--json"}));
  BOOST_TEST(object.at("unknown_products") == 1);
  BOOST_TEST(object.at("unknown_queries") == 1);
  BOOST_TEST(object.at("unanswerable_queries") == 1);
  BOOST_TEST(object.at("all").at("without_relevant") == 3);
  BOOST_TEST(!object.contains("needs_image"));
}

BOOST_AUTO_TEST_CASE(a_catalogue_that_was_not_trained_on_is_published) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  must_run({"demo-shop", folder / "other", "--products", "23", "--seed", "9"});
  const auto store = folder / "store";
  must_run({"publish", "--run", shop.run, "--catalogue", folder / "other/products.jsonl.gz", "--images", folder / "other/images.tar",
            "--store", store});
  const auto answers = json_lines(must_run({"search", "--store", store, "-k", "100", "--json", "red dress"}));
  BOOST_REQUIRE(answers.size() == 1);
  check_ranked(answers[0].at("results"), 23);
  for (const auto& entry : std::filesystem::directory_iterator(store)) {
    BOOST_TEST(!entry.path().filename().string().starts_with("catalogue"), "left behind: " << entry.path());
  }
}

BOOST_AUTO_TEST_CASE(a_second_generation_takes_the_place_of_the_first) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  const auto store = folder / "store";
  const auto first = must_run(publish_arguments(shop, store));
  const auto second = must_run(publish_arguments(shop, store));
  BOOST_TEST((first.find("generation 1,") != std::string::npos), first);
  BOOST_TEST((second.find("generation 2,") != std::string::npos), second);
}

BOOST_AUTO_TEST_CASE(the_page_of_results_holds_its_pictures_and_fetches_nothing) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  must_run({"search", "--store", shop.store, "-k", "4", "--html", folder / "page.html", "--images", shop.images},
           "red dress\n<b>bag</b>\n");
  std::ostringstream text;
  text << std::ifstream(folder / "page.html").rdbuf();
  const std::string page = text.str();
  std::size_t pictures = 0;
  for (std::size_t at = page.find("<img "); at != std::string::npos; at = page.find("<img ", at + 1)) {
    ++pictures;
    BOOST_TEST((page.compare(page.find("src=", at), 16, "src=\"data:image/") == 0));
  }
  BOOST_TEST(pictures == 8);
  BOOST_TEST((page.find("&lt;b&gt;bag&lt;/b&gt;") != std::string::npos));
  for (const char* outside : {"http:", "https:", "<b>bag", "<script", "<link"})
    BOOST_TEST((page.find(outside) == std::string::npos), outside);
}

BOOST_AUTO_TEST_SUITE_END()

#include "search/answer_json.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/support/folders.hpp"
#include "tests/support/generations.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {
namespace {

using nlohmann::ordered_json;

live_generation three(const scratch_folder& folder) {
  require_ok(publish_three(folder.path()).failure());
  return live_generation(generation::open_current(folder.path()).value());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(answers_as_json)

BOOST_AUTO_TEST_CASE(every_part_has_its_key_in_order) {
  const scratch_folder folder;
  search_answer answer;
  answer.products = {{2, .75, 1, true}, {0, 0.1234567890123456, 3, false}};
  answer.restricted = {{"dresses", "category", {"连衣裙", "Dress"}}};
  answer.from_pairs = true;
  const ordered_json wanted = {
      {"query", "a \"dress\"\n"},
      {"source", "pair table"},
      {"restricted", {{{"text", "dresses"}, {"field", "category"}, {"values", {"连衣裙", "Dress"}}}}},
      {"results",
       {{{"id", "p3"}, {"score", .75}, {"title", "连衣裙"}, {"channels", {"semantic"}}, {"within", true}},
        {{"id", "p1"}, {"score", 0.1234567890123456}, {"title", "red dress"}, {"channels", {"semantic", "lexical"}}, {"within", false}}}}};
  BOOST_TEST(ordered_json::parse(answer_text("a \"dress\"\n", answer, three(folder))) == wanted);
}

BOOST_AUTO_TEST_CASE(a_server_tells_more_about_fewer) {
  const scratch_folder folder;
  search_answer answer;
  answer.products = {{0, 1, 1, true}, {1, .5, 1, true}};
  const std::vector<facet> facets = {{"brand", {{"Nike", 2}, {"Puma", 1}}}};
  const served_answer served{.generation = 7, .seconds = .25, .facets = &facets, .results = 1};
  const auto told = ordered_json::parse(answer_text("q", answer, three(folder), &served));
  BOOST_TEST(told.front() == 7);
  BOOST_TEST(told.at("seconds") == .25);
  BOOST_TEST(told.at("results").size() == 1u);
  const ordered_json wanted = {{{"field", "brand"}, {"values", {{{"value", "Nike"}, {"count", 2}}, {{"value", "Puma"}, {"count", 1}}}}}};
  BOOST_TEST(told.at("facets") == wanted);
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_text_are_replaced) {
  const scratch_folder folder;
  search_answer answer;
  answer.restricted = {{"\xff", "a\xe8\xbf", {"good", "\xc0\x80"}}};
  const auto told = ordered_json::parse(answer_text("x\x80y", answer, three(folder)));
  BOOST_TEST(told.at("query") == "x\uFFFDy");
  BOOST_TEST(told.at("restricted")[0].at("text") == "\uFFFD");
  BOOST_TEST(told.at("restricted")[0].at("field") == "a\uFFFD");
  BOOST_TEST(told.at("restricted")[0].at("values")[0] == "good");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test

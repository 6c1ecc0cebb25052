#include "search/shard_merge.hpp"

#include <boost/test/unit_test.hpp>

#include "search/product_search.hpp"

namespace argosy {
namespace {

using answers = std::vector<wire_answer>;

wire_result found(std::string id, float score, bool within = true) { return {std::move(id), score, {}, 1, within}; }

wire_answer answer_of(std::vector<wire_result> results) {
  wire_answer answer;
  answer.scored_by = 7;
  answer.results = std::move(results);
  return answer;
}

wire_answer refused(wire_code code) { return {.code = code, .error = "why"}; }

wire_answer merged(const wire_query& asked, const std::vector<answers>& of, std::size_t shards) {
  std::vector<std::span<const wire_answer>> spans;
  for (const answers& one : of) spans.emplace_back(one);
  return merge_shards(asked, spans, shards);
}

std::string ids(const wire_answer& answer) {
  std::string all;
  for (const wire_result& one : answer.results) all += one.id + (one.within ? " " : "* ");
  return all;
}

BOOST_AUTO_TEST_SUITE(shard_merge)

BOOST_AUTO_TEST_CASE(the_best_of_all_shards_come_first_once_each) {
  const auto all = merged(
      {.text = "red", .k = 4},
      {{answer_of({found("a", .9f), found("d", .3f), found("e", .3f)})}, {answer_of({found("b", .8f), found("a", .7f), found("c", .3f)})}},
      2);
  BOOST_TEST(ids(all) == "a b c d ");
  BOOST_TEST(all.shards == 2u);
  BOOST_TEST(all.shards_answered == 2u);
  BOOST_TEST(all.scored_by == 7u);
}

BOOST_AUTO_TEST_CASE(a_shard_that_did_not_answer_is_counted_and_no_shard_is_a_refusal) {
  const auto part = merged({}, {{answer_of({found("a", 1)})}}, 3);
  BOOST_TEST((part.code == wire_code::ok && part.shards == 3u && part.shards_answered == 1u));
  BOOST_TEST((merged({}, {}, 3).code == wire_code::unavailable));
  BOOST_TEST(merged({}, {}, 3).error == "no shard answered in time");
}

BOOST_AUTO_TEST_CASE(refusals_count_where_nothing_else_came) {
  const answers ok{answer_of({found("a", 1)})}, busy{refused(wire_code::busy)}, invalid{refused(wire_code::invalid)},
      failed{refused(wire_code::failed)};
  BOOST_TEST((merged({}, {busy, failed}, 2).code == wire_code::busy));
  BOOST_TEST((merged({}, {busy, invalid}, 2).code == wire_code::invalid));
  BOOST_TEST(merged({}, {busy, invalid}, 2).error == "why");
  BOOST_TEST(merged({}, {ok, busy}, 2).shards_answered == 1u);
  BOOST_TEST(merged({}, {ok, invalid}, 2).shards_answered == 2u);  // it does not know the field, so none of its products has it
}

BOOST_AUTO_TEST_CASE(scores_of_another_model_are_left_out) {
  wire_answer other = answer_of({found("z", 9)});
  other.scored_by = 8;
  const answers a{answer_of({found("a", .5f)})}, b{answer_of({found("b", .4f)})}, z{other};
  for (const auto& order : {std::vector{a, b, z}, {z, a, b}}) {
    const auto all = merged({}, order, 3);
    BOOST_TEST(ids(all) == "a b ");
    BOOST_TEST(all.shards_answered == 2u);
  }
}

BOOST_AUTO_TEST_CASE(products_with_fewer_of_the_names_follow) {
  wire_answer both = answer_of({found("a", .5f), found("c", .9f, false)});
  both.restricted = {{"nike", "brand", {"Nike"}}, {"shoes", "category", {"Shoes"}}};
  wire_answer one = answer_of({found("b", .8f), found("d", .1f)});
  one.restricted = {{"shoes", "category", {"Shoes"}}};
  const auto all = merged({}, {{one}, {both}}, 2);
  BOOST_TEST(ids(all) == "a c* b* d* ");
  BOOST_TEST(all.restricted.size() == 2u);
}

BOOST_AUTO_TEST_CASE(values_of_a_name_are_those_of_all_shards) {
  wire_answer a = answer_of({}), b = answer_of({});
  a.restricted = {{"shoes", "category", {"Sports Shoes"}}};
  b.restricted = {{"shoes", "category", {"Casual Shoes", "Sports Shoes"}}};
  const auto all = merged({}, {{a}, {b}}, 2);
  const std::vector<std::string> wanted{"Sports Shoes", "Casual Shoes"};
  BOOST_TEST(all.restricted.front().values == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_hybrid_query_is_two_lists_of_all_shards_fused) {
  const wire_query asked{.text = "red", .k = 3, .channel = wire_channel::hybrid, .semantic_weight = 1, .lexical_weight = .5};
  const auto lists = asked_of_shards(asked);
  BOOST_REQUIRE(lists.size() == 2u);
  BOOST_TEST((lists[0].channel == wire_channel::semantic && lists[1].channel == wire_channel::lexical));
  BOOST_TEST(lists[0].k == least_depth);
  BOOST_TEST(asked_of_shards({.text = "red", .k = 500, .channel = wire_channel::hybrid}).front().k == 500u);
  BOOST_TEST(asked_of_shards({.text = "red", .k = 5}).size() == 1u);

  // semantic a b c d, lexical d c a
  const auto all = merged(asked,
                          {{answer_of({found("a", .9f), found("c", .7f)}), answer_of({found("c", 4), found("a", 1)})},
                           {answer_of({found("b", .8f), found("d", .6f)}), answer_of({found("d", 9)})}},
                          2);
  BOOST_TEST(ids(all) == "a c d ");
  BOOST_TEST(all.results[0].score == static_cast<float>(1 / 61. + .5 / 63.));
  BOOST_TEST(all.results[1].score == static_cast<float>(1 / 63. + .5 / 62.));
  BOOST_TEST(all.results[0].channels == 3u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy

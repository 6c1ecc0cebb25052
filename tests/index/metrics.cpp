#include "index/metrics.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

namespace argosy {
namespace {

retrieval_metrics measured(const std::vector<judged_answer>& answers) {
  const std::vector<std::size_t> recall_at = {1, 3}, precision_at = {2, 4};
  return measure(answers, recall_at, precision_at);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics)

BOOST_AUTO_TEST_CASE(hand_computed_examples) {
  const auto found = measured({{{5, 2, 9, 4}, {2, 4}},     // a hit among 3, not at 1; 1 of 2, 2 of 4
                               {{1, 7, 3, 8}, {1, 3, 8}},  // a hit at 1; 1 of 2, 3 of 4
                               {{1, 2, 3, 4}, {6}},        // no hit
                               {{6}, {6}}});               // a hit at 1; 1 of 2, 1 of 4, though there is only one answer
  BOOST_TEST(found.queries == 4u);
  BOOST_TEST(found.without_relevant == 0u);
  BOOST_TEST(found.recall.at(1) == 0.5);
  BOOST_TEST(found.recall.at(3) == 0.75);
  BOOST_TEST(found.precision.at(2) == 0.375);
  BOOST_TEST(found.precision.at(4) == 0.375);
}

BOOST_AUTO_TEST_CASE(the_first_relevant_product) {
  BOOST_TEST(first_relevant({{5, 2, 9, 4}, {4, 9}}).value() == 2u);
  BOOST_TEST(first_relevant({{4, 2}, {4, 9}}).value() == 0u);
  BOOST_TEST(!first_relevant({{5, 2}, {4}}).has_value());
  BOOST_TEST(!first_relevant({{}, {4}}).has_value());
}

BOOST_AUTO_TEST_CASE(queries_without_a_relevant_product_are_counted_and_left_out) {
  const auto found = measured({{{1, 2}, {}}, {{1, 2}, {1}}, {{}, {1}}});
  BOOST_TEST(found.queries == 2u);
  BOOST_TEST(found.without_relevant == 1u);
  BOOST_TEST(found.recall.at(1) == 0.5);
  BOOST_TEST(found.precision.at(2) == 0.25);
}

BOOST_AUTO_TEST_CASE(nothing_judged_gives_zero) {
  const auto found = measured({{{1, 2}, {}}});
  BOOST_TEST(found.recall.at(3) == 0.0);
  BOOST_TEST(found.precision.at(4) == 0.0);
  BOOST_TEST(measured({}).queries == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

#include "search/facets.hpp"

#include <boost/test/unit_test.hpp>

#include "data/text.hpp"

namespace argosy::test {
namespace {

using values = std::vector<field_value>;

result<std::string> fold(std::string_view text) { return normalise_text(text); }

// "brand: Nike 2, Puma 1"
std::vector<std::string> told(const facet_counter& counter) {
  std::vector<std::string> lines;
  for (const facet& one : counter.counted()) {
    std::string line = one.field + ":";
    for (const facet_value& value : one.values) line += " " + value.value + " " + std::to_string(value.count) + ",";
    line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

const std::vector<facet_field> some_fields{{"colour", false}, {"brand", true}, {"season", false}, {"usage", false}};

}  // namespace

BOOST_AUTO_TEST_SUITE(facets)

BOOST_AUTO_TEST_CASE(fields_that_restrict_come_first_and_then_those_of_more_products) {
  facet_counter counter(some_fields, fold);
  counter.add(values{{"colour", "red"}, {"season", "summer"}, {"price", "5", true}});
  counter.add(values{{"season", "summer"}, {"brand", "Nike"}, {"description", "long"}});
  counter.add(values{{"season", "winter"}, {"colour", "red"}});
  const std::vector<std::string> wanted{"brand: Nike 1", "season: summer 2, winter 1", "colour: red 2"};
  BOOST_TEST(told(counter) == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(values_are_compared_folded_and_a_product_counts_once) {
  facet_counter counter(some_fields, fold);
  counter.add(values{{"brand", "NIKE"}, {"Brand", "nike"}, {"brand", "Ｎｉｋｅ"}});
  counter.add(values{{"BRAND", "Nike"}, {"brand", "Puma"}});
  counter.add(values{{"brand", "Puma"}, {"brand", "Asics"}});
  counter.add(values{{"brand", "Puma"}});
  const std::vector<std::string> wanted{"brand: Puma 3, NIKE 2, Asics 1"};
  BOOST_TEST(told(counter) == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(of_equal_counts_the_first_to_come_is_first_and_only_so_many_are_told) {
  std::vector<facet_field> fields;
  values all;
  for (std::size_t f = 0; f < most_facets + 3; ++f) {
    const std::string name = "field" + std::to_string(100 + f);
    fields.push_back({name, false});
    for (std::size_t v = 0; v < most_facet_values + 5; ++v) all.push_back({name, "value" + std::to_string(99 - v)});
  }
  facet_counter counter(fields, fold);
  counter.add(all);
  const auto counted = counter.counted();
  BOOST_REQUIRE(counted.size() == most_facets);
  for (std::size_t f = 0; f < counted.size(); ++f) {
    BOOST_TEST(counted[f].field == fields[f].name);
    BOOST_REQUIRE(counted[f].values.size() == most_facet_values);
    for (std::size_t v = 0; v < most_facet_values; ++v) BOOST_TEST(counted[f].values[v].value == "value" + std::to_string(99 - v));
  }
}

BOOST_AUTO_TEST_CASE(without_products_or_fields_there_is_nothing) {
  BOOST_TEST(facet_counter(some_fields, fold).counted().empty());
  facet_counter counter({}, fold);
  counter.add(values{{"brand", "Nike"}});
  BOOST_TEST(counter.counted().empty());
}

// A text that cannot be folded equals itself.
BOOST_AUTO_TEST_CASE(a_value_that_is_no_utf8_is_counted) {
  facet_counter counter(some_fields, fold);
  counter.add(values{{"brand", "\xFF"}});
  counter.add(values{{"brand", "\xFF"}});
  const std::vector<std::string> wanted{"brand: \xFF 2"};
  BOOST_TEST(told(counter) == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test

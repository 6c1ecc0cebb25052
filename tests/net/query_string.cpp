#include "net/query_string.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/support/status.hpp"

using namespace argosy;

BOOST_AUTO_TEST_SUITE(query_strings)

BOOST_AUTO_TEST_CASE(bytes_that_are_escaped_are_decoded) {
  BOOST_TEST(percent_decoded("a%20b+%2F%c3%a9", false).value() == "a b+/\u00e9");
  BOOST_TEST(percent_decoded("a+b", true).value() == "a b");
  BOOST_TEST(percent_decoded("", true).value().empty());
  for (const char* wrong : {"ab%", "ab%2", "ab%2g", "ab%%20"})
    test::check_refused(percent_decoded(wrong, true).failure(), errc::invalid_argument, {"two hexadecimal digits", "character 3"});
}

BOOST_AUTO_TEST_CASE(names_and_values_are_told_apart) {
  const query_parameters wanted = {{"q", "red dress"}, {"k", "5"}, {"a", ""}, {"", "="}};
  BOOST_TEST((parse_query_string("q=red+dress&k=5&&a&==").value() == wanted));
  BOOST_TEST(parse_query_string("").value().empty());
  test::check_refused(parse_query_string("q=1&q=2").failure(), errc::invalid_argument, {"`q` is there twice"});
}

BOOST_AUTO_TEST_SUITE_END()

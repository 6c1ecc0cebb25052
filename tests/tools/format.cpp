#include "tools/format.hpp"
#include "data/utf8.hpp"

#include <boost/test/unit_test.hpp>
#include <sstream>

#include "tools/timing.hpp"

using namespace argosy;

BOOST_AUTO_TEST_SUITE(format)

BOOST_AUTO_TEST_CASE(numbers_are_grouped_by_thousands) {
  BOOST_TEST(grouped(0) == "0");
  BOOST_TEST(grouped(999) == "999");
  BOOST_TEST(grouped(1000) == "1,000");
  BOOST_TEST(grouped(123456) == "123,456");
  BOOST_TEST(grouped(1234567) == "1,234,567");
}

BOOST_AUTO_TEST_CASE(durations_and_bytes_take_the_unit_that_fits) {
  BOOST_TEST(duration_text(2.44) == "2.4 s");
  BOOST_TEST(duration_text(59.4) == "59 s");
  BOOST_TEST(duration_text(200) == "3 min 20 s");
  BOOST_TEST(duration_text(3900) == "1 h 05 min");
  BOOST_TEST(duration_text(-1) == "?");
  BOOST_TEST(bytes_text(999) == "999 B");
  BOOST_TEST(bytes_text(1500) == "1.5 kB");
  BOOST_TEST(bytes_text(3'400'000) == "3.4 MB");
}

BOOST_AUTO_TEST_CASE(letters_are_counted_as_utf8) {
  BOOST_TEST(first_letters("红色连衣裙", 2) == "红色");
  BOOST_TEST(first_letters("red", 9) == "red");
  BOOST_TEST(first_letters("red", 0) == "");
}

BOOST_AUTO_TEST_CASE(a_table_lines_up) {
  text_table table(true);
  table.add({"rank", "score", "title"});
  table.add({"1", "0.5", "a long one"});
  table.add({"10", "0.25", "短"});
  std::ostringstream out;
  table.print(out);
  BOOST_TEST(out.str() ==
             "rank  score  title\n"
             "1       0.5  a long one\n"
             "10     0.25  短\n");
}

BOOST_AUTO_TEST_CASE(control_characters_never_reach_the_terminal) { BOOST_TEST(one_line("a\x1b[2J\tb\n") == "a [2J b "); }

BOOST_AUTO_TEST_CASE(median_and_quartiles_lie_between_neighbours) {
  const timing one = timing_of({3});
  BOOST_TEST(one.median == 3);
  BOOST_TEST(one.low == 3);
  const timing four = timing_of({4, 1, 3, 2});
  BOOST_TEST(four.median == 2.5);
  BOOST_TEST(four.low == 1.75);
  BOOST_TEST(four.high == 3.25);
}

BOOST_AUTO_TEST_SUITE_END()

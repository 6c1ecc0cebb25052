#include "tools/progress.hpp"

#include <boost/test/unit_test.hpp>
#include <sstream>

using namespace argosy;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(progress_lines)

BOOST_AUTO_TEST_CASE(elsewhere_than_on_a_terminal_a_line_comes_every_five_seconds_and_at_the_end) {
  manual_clock clock;
  std::ostringstream out;
  progress_line line(out, 0, clock);
  for (std::uint64_t done = 0; done < 100; ++done) {
    line.show({.stage = "embed", .unit = "products", .done = done, .total = 100});
    clock.advance(100ms);
  }
  BOOST_TEST(out.str() == "embed  50 of 100 products  50 %  10/s  5.0 s left\n");
  line.show({.stage = "embed", .unit = "products", .done = 100, .total = 100});
  line.show({.stage = "embed", .unit = "products", .done = 100, .total = 100});
  line.close();
  BOOST_TEST(out.str() == "embed  50 of 100 products  50 %  10/s  5.0 s left\nembed  100 of 100 products  100 %  10/s\n");
}

BOOST_AUTO_TEST_CASE(elsewhere_than_on_a_terminal_the_start_of_unknown_work_is_no_line) {
  const manual_clock clock;
  std::ostringstream out;
  progress_line line(out, 0, clock);
  line.show({.stage = "catalogue"});
  BOOST_TEST(out.str() == "");
}

BOOST_AUTO_TEST_CASE(on_a_terminal_one_line_is_rewritten_and_cut_to_its_width) {
  manual_clock clock;
  std::ostringstream out;
  progress_line line(out, 12, clock);
  line.show({.stage = "images", .done = 1, .total = 4});
  line.show({.stage = "images", .done = 2, .total = 4});
  clock.advance(1s);
  line.show({.stage = "images", .done = 3, .total = 4});
  line.close();
  line.close();
  BOOST_TEST(out.str() == "\rimages  1 o\033[K\rimages  3 o\033[K\n");
}

BOOST_AUTO_TEST_CASE(a_new_stage_starts_a_new_line_and_a_new_clock) {
  manual_clock clock;
  std::ostringstream out;
  {
    progress_line line(out, 80, clock);
    line.show({.stage = "log", .done = 5});
    clock.advance(10s);
    line.show({.stage = "images", .done = 0});
    clock.advance(2s);
    line.show({.stage = "images", .done = 4});
  }
  BOOST_TEST(out.str() == "\rlog  5\033[K\n\rimages  0\033[K\rimages  4  2.0/s\033[K\n");
}

BOOST_AUTO_TEST_CASE(rate_time_and_detail_may_be_given) {
  manual_clock clock;
  std::ostringstream out;
  progress_line line(out, 200, clock);
  line.show({.stage = "train",
             .unit = "steps",
             .done = 5,
             .total = 10,
             .rate = 1640,
             .seconds_left = 65,
             .rate_unit = "pairs",
             .detail = "loss 2.310"});
  BOOST_TEST(out.str() == "\rtrain  5 of 10 steps  50 %  1,640 pairs/s  1 min 05 s left  loss 2.310\033[K");
}

BOOST_AUTO_TEST_SUITE_END()

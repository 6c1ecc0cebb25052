#include "base/status.hpp"

#include <boost/test/unit_test.hpp>
#include <memory>

namespace {

using argosy::errc;
using argosy::result;
using argosy::status;

status fails() { return {errc::corrupt, "a.bin: want 4, got 3"}; }
result<int> half_of(int n) {
  if (n % 2 != 0) return status{errc::invalid_argument, "odd"};
  return n / 2;
}
result<int> quarter_of(int n) {
  ARGOSY_ASSIGN(const int half, half_of(n));
  return half_of(half);
}
status tried(bool fail, bool& went_on) {
  if (fail) ARGOSY_TRY(fails());
  went_on = true;
  return {};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(failures)

BOOST_AUTO_TEST_CASE(text_and_place) {
  BOOST_TEST(status{}.ok());
  BOOST_TEST(status{}.text() == "ok");
  BOOST_TEST(status{}.within("x").ok());
  BOOST_TEST(fails().text() == "corrupt: a.bin: want 4, got 3");
  BOOST_TEST(fails().within("store").message() == "store: a.bin: want 4, got 3");
}

BOOST_AUTO_TEST_CASE(results_hold_a_value_or_a_failure) {
  BOOST_TEST(quarter_of(12).value() == 3);
  BOOST_TEST(quarter_of(12).failure().ok());
  BOOST_TEST(quarter_of(6).failure().message() == "odd");
  BOOST_TEST(!quarter_of(5).ok());
  result<std::unique_ptr<int>> moved(std::make_unique<int>(4));
  BOOST_TEST(*std::move(moved).value() == 4);
}

BOOST_AUTO_TEST_CASE(try_leaves_at_the_first_failure) {
  bool went_on = false;
  BOOST_TEST((tried(true, went_on).code() == errc::corrupt));
  BOOST_TEST(!went_on);
  BOOST_TEST(tried(false, went_on).ok());
  BOOST_TEST(went_on);
}

BOOST_AUTO_TEST_SUITE_END()

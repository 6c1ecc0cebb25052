// Oracle 3 of the method, as far as the bank alone can show it.
#include "model/memory_bank.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

namespace {

using namespace argosy;

struct entries {
  std::vector<double> embedding, log_p;
  std::vector<std::int64_t> product;
  bank_entries at(std::uint64_t step) {
    const auto n = static_cast<std::int64_t>(product.size());
    return {view_of(embedding.data(), n, 2), product, view_of(log_p.data(), 1, n), step};
  }
};

entries numbered(std::int64_t first, int count) {
  entries e;
  for (auto i = first; i < first + count; ++i) {
    e.embedding.push_back(static_cast<double>(i));
    e.embedding.push_back(-static_cast<double>(i));
    e.log_p.push_back(-.5 * static_cast<double>(i));
    e.product.push_back(i);
  }
  return e;
}

// Every row belongs to its id, whatever the order.
void rows_agree(const bank_view& v) {
  for (std::size_t i = 0; i < v.product.size(); ++i) {
    const auto id = static_cast<double>(v.product[i]);
    const auto row = static_cast<std::int64_t>(i);
    BOOST_TEST(v.embedding.row<double>(row)[0] == id);
    BOOST_TEST(v.embedding.row<double>(row)[1] == -id);
    BOOST_TEST(v.log_p.as<double>()[i] == -.5 * id);
  }
}

std::vector<std::int64_t> sorted_ids(const bank_view& v) {
  std::vector<std::int64_t> ids(v.product.begin(), v.product.end());
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bank)

BOOST_AUTO_TEST_CASE(starts_empty) {
  const auto on = make_reference_device();
  const auto b = memory_bank::make(*on, 5, 2).value();
  BOOST_TEST(b.valid() == 0);
  BOOST_TEST(b.view().product.empty());
  BOOST_TEST(b.view().embedding.rows == 0);
}

BOOST_AUTO_TEST_CASE(oldest_leave_first_across_the_wrap_with_ragged_batches) {
  const auto on = make_reference_device();
  auto b = memory_bank::make(*on, 5, 2).value();
  std::int64_t next = 0;
  for (const int count : {2, 2, 3, 1, 5, 4, 0, 2}) {
    BOOST_REQUIRE(b.push(numbered(next, count).at(static_cast<std::uint64_t>(next))).ok());
    next += count;
    const auto valid = std::min<std::int64_t>(next, 5);
    BOOST_TEST(b.valid() == valid);
    std::vector<std::int64_t> newest;
    for (auto i = next - valid; i < next; ++i) newest.push_back(i);
    BOOST_TEST(sorted_ids(b.view()) == newest, boost::test_tools::per_element());
    rows_agree(b.view());
  }
}

BOOST_AUTO_TEST_CASE(more_than_it_holds_keeps_the_last) {
  const auto on = make_reference_device();
  auto b = memory_bank::make(*on, 3, 2).value();
  BOOST_REQUIRE(b.push(numbered(0, 10).at(0)).ok());
  BOOST_TEST(sorted_ids(b.view()) == (std::vector<std::int64_t>{7, 8, 9}), boost::test_tools::per_element());
  rows_agree(b.view());
}

BOOST_AUTO_TEST_CASE(a_refused_push_changes_nothing) {
  const auto on = make_reference_device();
  auto b = memory_bank::make(*on, 3, 2).value();
  BOOST_REQUIRE(b.push(numbered(0, 2).at(0)).ok());
  auto bad = numbered(5, 2);
  bad.product.pop_back();
  auto wrong = bad.at(1);
  wrong.embedding.rows = 2;
  BOOST_TEST((b.push(wrong).code() == errc::shape_mismatch));
  BOOST_TEST(sorted_ids(b.view()) == (std::vector<std::int64_t>{0, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(state_goes_out_and_comes_back) {
  const auto on = make_reference_device();
  for (const int pushed : {0, 2, 3, 7}) {
    auto b = memory_bank::make(*on, 3, 2).value();
    for (int i = 0; i < pushed; ++i) BOOST_REQUIRE(b.push(numbered(i, 1).at(static_cast<std::uint64_t>(i))).ok());
    auto again = memory_bank::make(*on, 3, 2).value();
    BOOST_REQUIRE(again.load(b.save().value()).ok());
    // In the same rows: sums over a bank that came back have the same bits.
    BOOST_TEST(again.view().product == b.view().product, boost::test_tools::per_element());
    rows_agree(again.view());
    // The next to leave is the same in both.
    for (auto* each : {&b, &again}) BOOST_REQUIRE(each->push(numbered(100, 1).at(9)).ok());
    BOOST_TEST(again.view().product == b.view().product, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_state_whose_oldest_row_is_impossible_is_refused) {
  const auto on = make_reference_device();
  auto b = memory_bank::make(*on, 3, 2).value();
  BOOST_REQUIRE(b.push(numbered(0, 2).at(0)).ok());
  for (const std::int64_t place : {-1, 1, 3}) {
    auto state = b.save().value();
    state.place = place;
    BOOST_TEST((memory_bank::make(*on, 3, 2).value().load(state).code() == errc::out_of_range));
  }
}

BOOST_AUTO_TEST_CASE(a_state_of_another_width_is_refused) {
  const auto on = make_reference_device();
  auto narrow = memory_bank::make(*on, 3, 2).value();
  auto wide = memory_bank::make(*on, 3, 4).value();
  BOOST_TEST((wide.load(narrow.save().value()).code() == errc::shape_mismatch));
}

BOOST_AUTO_TEST_SUITE_END()

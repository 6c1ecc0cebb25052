#include "index/row_set.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

using argosy::row_set;

BOOST_AUTO_TEST_SUITE(sets_of_rows)

BOOST_AUTO_TEST_CASE(rows_go_in_and_out_on_both_sides_of_a_word) {
  for (const std::size_t rows : {1u, 63u, 64u, 65u, 128u, 200u}) {
    row_set set(rows);
    BOOST_TEST(set.size() == 0u);
    std::vector<std::uint32_t> expected;
    for (const std::uint32_t row : {0u, 62u, 63u, 64u, 127u, 128u, 199u}) {
      if (row >= rows) continue;
      set.insert(row);
      set.insert(row);
      expected.push_back(row);
    }
    std::vector<std::uint32_t> found;
    set.for_each([&](std::uint32_t row) { found.push_back(row); });
    BOOST_TEST(found == expected, boost::test_tools::per_element());
    BOOST_TEST(set.size() == expected.size());
    for (const std::uint32_t row : expected) {
      BOOST_TEST(set.contains(row));
      set.erase(row);
      set.erase(row);
      BOOST_TEST(!set.contains(row));
    }
    BOOST_TEST(set.size() == 0u);
  }
}

// Every other and every third row, so that shifted words differ.
row_set striped(std::size_t rows) {
  row_set set(rows);
  for (std::uint32_t row = 0; row < rows; ++row)
    if (row % 2 == 0 || row % 3 == 0) set.insert(row);
  return set;
}

BOOST_AUTO_TEST_CASE(slices_and_joins_keep_their_rows) {
  for (const std::size_t rows : {0u, 1u, 63u, 64u, 65u, 130u, 200u}) {
    const row_set set = striped(rows);
    for (std::size_t first = 0; first <= rows; ++first) {
      const row_set before = set.slice(0, first), after = set.slice(first, rows - first);
      const row_set joined = before.followed_by(after);
      BOOST_TEST(joined.rows() == rows);
      BOOST_TEST(joined.size() == set.size());
      for (std::uint32_t row = 0; row < rows; ++row) {
        BOOST_TEST(joined.contains(row) == set.contains(row));
        BOOST_TEST((row < first ? before.contains(row) : after.contains(static_cast<std::uint32_t>(row - first))) == set.contains(row));
      }
    }
    const row_set all = row_set::all(rows);
    BOOST_TEST(all.size() == rows);
  }
}

BOOST_AUTO_TEST_SUITE_END()

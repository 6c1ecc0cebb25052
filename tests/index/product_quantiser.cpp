#include "index/product_quantiser.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "index/code_scan.hpp"
#include "index/inner_product.hpp"
#include "tests/support/vectors.hpp"

using namespace argosy;

namespace {

double cost_of(const std::vector<double>& variances, const std::vector<std::uint32_t>& widths) {
  double cost = 0;
  std::size_t at = 0;
  for (const std::uint32_t w : widths) {
    double product = 1;
    for (std::size_t i = at; i < at + w; ++i) product *= variances[i];
    cost += w * std::pow(product / 256, 1.0 / w);
    at += w;
  }
  return cost;
}

std::vector<float> decoded(const product_quantiser& by, const std::uint8_t* codes) {
  std::vector<float> row(by.columns());
  for (std::size_t m = 0; m < by.parts(); ++m) {
    for (std::size_t i = by.first()[m]; i < by.first()[m + 1]; ++i) row[i] = by.codebook()[i * part_entries + codes[m]];
  }
  return row;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(product_quantisers)

BOOST_AUTO_TEST_CASE(widths_cost_the_least_of_all_there_are) {
  for (const double fall : {1.0, 0.7, 0.2}) {
    std::vector<double> variances(9);
    for (std::size_t i = 0; i < 9; ++i) variances[i] = std::pow(fall, static_cast<double>(i));
    for (const std::size_t parts : {2u, 3u, 5u, 9u}) {
      double least = std::numeric_limits<double>::infinity();
      std::vector<std::uint32_t> widths(parts);
      const std::function<void(std::size_t, std::uint32_t)> each = [&](std::size_t at, std::uint32_t left) {
        if (at + 1 == parts) {
          if (left < 1 || left > 8) return;
          widths[at] = left;
          least = std::min(least, cost_of(variances, widths));
          return;
        }
        for (std::uint32_t w = 1; w <= 8 && w < left; ++w) {
          widths[at] = w;
          each(at + 1, left - w);
        }
      };
      each(0, 9);
      const auto found = part_widths(variances, parts);
      BOOST_TEST(std::accumulate(found.begin(), found.end(), 0u) == 9u);
      BOOST_TEST(cost_of(variances, found) == least, boost::test_tools::tolerance(1e-9));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_code_is_the_nearest_entry_of_every_part) {
  const auto rows = test::normal_matrix(500, 21, 1);
  const auto by = product_quantiser::train(rows, 9, 1, 2);
  BOOST_TEST(by.columns() == 21u);
  BOOST_TEST(by.parts() == 16u);
  std::vector<std::uint8_t> codes(by.parts());
  for (std::int64_t r = 0; r < 50; ++r) {
    const float* row = const_view(rows).row<float>(r);
    by.encode(row, codes.data());
    for (std::size_t m = 0; m < by.parts(); ++m) {
      const auto distance = [&](std::size_t entry) {
        double sum = 0;
        for (std::size_t i = by.first()[m]; i < by.first()[m + 1]; ++i)
          sum += std::pow(static_cast<double>(row[i]) - by.codebook()[i * part_entries + entry], 2);
        return sum;
      };
      for (std::size_t entry = 0; entry < part_entries; ++entry) BOOST_TEST(distance(codes[m]) <= distance(entry) + 1e-5);
    }
  }
}

// Lloyd's limit for 16 levels of a normal variable is 0.00950 of its variance (Max, 1960).
BOOST_AUTO_TEST_CASE(one_column_a_part_leaves_what_sixteen_levels_leave) {
  const auto rows = test::normal_matrix(4000, 8, 1);
  const auto by = product_quantiser::train(rows, 8, 1, 2);
  std::vector<std::uint8_t> codes(8);
  double error = 0;
  for (std::int64_t r = 0; r < rows.rows; ++r) {
    by.encode(const_view(rows).row<float>(r), codes.data());
    const auto back = decoded(by, codes.data());
    for (std::size_t i = 0; i < 8; ++i) error += std::pow(static_cast<double>(back[i]) - const_view(rows).row<float>(r)[i], 2);
  }
  BOOST_TEST(error / (4000 * 8) < 0.013);
}

BOOST_AUTO_TEST_CASE(a_table_in_bytes_is_within_its_rounding_of_the_inner_product) {
  const auto rows = test::normal_matrix(600, 40, 1), queries = test::normal_matrix(20, 40, 2);
  for (const std::size_t parts : {8u, 20u, 40u}) {
    const auto by = product_quantiser::train(rows, parts, 1, 2);
    std::vector<std::uint8_t> codes(by.parts());
    code_table table;
    for (std::int64_t q = 0; q < queries.rows; ++q) {
      const float* query = const_view(queries).row<float>(q);
      by.make_table(query, table);
      for (std::int64_t r = 0; r < 30; ++r) {
        by.encode(const_view(rows).row<float>(r), codes.data());
        unsigned sum = 0;
        for (std::size_t m = 0; m < by.parts(); ++m) {
          BOOST_TEST(table.entries[m * part_entries + codes[m]] <= entry_limit(by.parts()));
          sum += table.entries[m * part_entries + codes[m]];
        }
        const double exact = inner_product_reference(query, decoded(by, codes.data()).data(), 40);
        const double rounding = static_cast<double>(by.parts()) * table.step / 2 + 1e-4;
        BOOST_TEST(std::abs(table.bias + table.step * static_cast<float>(sum) - exact) <= rounding);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_query_of_zeros_has_a_table_of_zeros) {
  const auto by = product_quantiser::train(test::normal_matrix(50, 8, 1), 8, 1, 1);
  code_table table;
  by.make_table(std::vector<float>(8).data(), table);
  for (const auto entry : table.entries) BOOST_TEST(entry == 0);
}

BOOST_AUTO_TEST_SUITE_END()

#include "index/rotation.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "index/inner_product.hpp"
#include "index/packed_rows.hpp"
#include "tests/support/vectors.hpp"

using namespace argosy;
using test::matrix;

namespace {

// Normal rows whose columns shrink, turned by a few plane rotations so that no column is an axis.
matrix skewed(std::int64_t rows, std::int64_t columns) {
  auto made = test::normal_matrix(rows, columns, 1);
  for (std::int64_t r = 0; r < rows; ++r) {
    float* x = made.values.data() + r * columns;
    for (std::int64_t i = 0; i < columns; ++i) x[i] *= std::pow(0.8f, static_cast<float>(i));
    for (std::int64_t i = 0; i + 1 < columns; ++i) {
      const float a = x[i], b = x[i + 1];
      x[i] = 0.8f * a - 0.6f * b;
      x[i + 1] = 0.6f * a + 0.8f * b;
    }
  }
  return made;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rotations)

BOOST_AUTO_TEST_CASE(axes_are_orthonormal_and_the_widest_come_first) {
  const auto vectors = skewed(2000, 40);
  const rotation by = train_rotation(vectors, 1);
  for (std::size_t a = 0; a < 40; ++a) {
    for (std::size_t b = 0; b < 40; ++b) {
      const double product = inner_product_reference(by.axes.data() + a * 40, by.axes.data() + b * 40, 40);
      BOOST_TEST(std::abs(product - (a == b ? 1 : 0)) < 1e-5);
    }
  }
  std::vector<double> square(40);
  for (std::int64_t r = 0; r < vectors.rows; ++r) {
    for (std::size_t k = 0; k < 40; ++k)
      square[k] += std::pow(inner_product_reference(by.axes.data() + k * 40, const_view(vectors).row<float>(r), 40) - by.mean[k], 2);
  }
  for (std::size_t k = 1; k < 40; ++k) BOOST_TEST(square[k] <= square[k - 1] * (1 + 1e-4));
  BOOST_TEST(by.kept < 40u);
  BOOST_TEST(by.kept % 16 == 0u);
}

// <p, z> differs from <q, x> by a constant and by what the axes that are not kept hold.
BOOST_AUTO_TEST_CASE(products_along_the_axes_are_those_of_queries_and_vectors) {
  const auto vectors = skewed(2000, 40);
  const rotation by = train_rotation(vectors, 1);
  const auto z = project_rows(by, vectors, 2);
  const auto axes = by_columns(by.axes, 40);
  std::vector<float> turned(40);
  double error = 0, spread = 0;
  for (std::int64_t q = 0; q < 20; ++q) {
    const float* query = const_view(vectors).row<float>(q);
    rotate(axes, 40, query, turned.data());
    double of_mean = 0;
    for (std::size_t k = 0; k < 40; ++k) of_mean += static_cast<double>(turned[k]) * by.mean[k];
    for (std::int64_t r = 20; r < 200; ++r) {
      double product = of_mean;
      for (std::size_t k = 0; k < by.kept; ++k)
        product += static_cast<double>(turned[k]) / by.weight[k] * z[static_cast<std::size_t>(r) * by.kept + k];
      const double exact = inner_product_reference(query, const_view(vectors).row<float>(r), 40);
      error += std::pow(product - exact, 2);
      spread += exact * exact;
    }
  }
  BOOST_TEST(error < 4e-4 * spread);  // 1e-4 is left out over all rows; these are few
}

BOOST_AUTO_TEST_CASE(rows_are_turned_alike_whatever_their_columns) {
  for (const std::int64_t columns : {1, 7, 63, 64, 65, 130}) {
    const auto vectors = test::normal_matrix(300, columns, 1);
    const rotation by = train_rotation(vectors, 1);
    const auto turned = by_columns(by.axes, by.columns);
    std::vector<float> out(by.columns), together(7 * by.columns);
    rotate(turned, const_view(vectors).row_range(1, 7), together.data());  // four, and three one by one
    for (std::int64_t r = 0; r < 7; ++r) {
      rotate(turned, by.columns, const_view(vectors).row<float>(1 + r), out.data());
      BOOST_TEST(std::equal(out.begin(), out.end(), together.begin() + r * columns));
    }
    rotate(turned, by.columns, const_view(vectors).row<float>(5), out.data());
    for (std::size_t k = 0; k < by.columns; ++k) {
      const double exact = inner_product_reference(by.axes.data() + k * by.columns, const_view(vectors).row<float>(5), by.columns);
      BOOST_TEST(std::abs(out[k] - exact) < 1e-4);
    }
  }
}

BOOST_AUTO_TEST_CASE(rows_that_are_all_alike_have_axes_too) {
  const auto same = test::make_matrix(50, 6, [](std::uint32_t at) { return at % 6 == 0 ? 1.0f : 0.5f; });
  const auto nothing = test::make_matrix(50, 6, [](std::uint32_t) { return 0.0f; });
  for (const auto& vectors : {same, nothing}) {
    const rotation by = train_rotation(vectors, 1);
    BOOST_TEST(by.kept >= 1u);
    for (const float each : by.axes) BOOST_TEST(std::isfinite(each));
    for (const float each : by.weight) BOOST_TEST((std::isfinite(each) && each > 0));
  }
}

// Of 12 bits a step is 1 / 2047 of the largest value, of 8 bits 1 / 127; a query's steps are finer.
BOOST_AUTO_TEST_CASE(packed_products_are_within_their_rounding) {
  for (const std::size_t columns : {5u, 32u, 33u, 64u, 100u, 256u}) {
    for (const std::size_t kept : {1u, 16u, 40u}) {
      const row_layout layout = layout_for(columns, std::min(kept, columns));
      const auto rows = test::normal_matrix(20, static_cast<std::int64_t>(columns), 1);
      const auto queries = test::normal_matrix(5, static_cast<std::int64_t>(columns), 2);
      std::vector<std::byte> packed(layout.bytes());
      split_query asked;
      for (std::int64_t r = 0; r < rows.rows; ++r) {
        pack_row(layout, const_view(rows).row<float>(r), packed.data());
        for (std::int64_t q = 0; q < queries.rows; ++q) {
          const float *x = const_view(rows).row<float>(r), *y = const_view(queries).row<float>(q);
          asked.assign(layout, y);
          double rounding = 0;
          for (std::size_t i = 0; i < columns; ++i)
            rounding += std::abs(y[i]) * 4.5 / (i < layout.wide ? 2047 : 127) / 2 + std::abs(x[i]) * 4.5 / 8000;
          for (const auto& kernels : available_scan_kernels())
            BOOST_TEST(std::abs(product(layout, kernels, asked, packed.data()) - inner_product_reference(x, y, columns)) <= rounding);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

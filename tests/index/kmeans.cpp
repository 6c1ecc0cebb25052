#include "index/kmeans.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <numeric>

#include "tests/support/vectors.hpp"

using namespace argosy;
using test::matrix;

namespace {

std::vector<std::uint32_t> all_of(const matrix& vectors) {
  std::vector<std::uint32_t> rows(static_cast<std::size_t>(vectors.rows));
  std::iota(rows.begin(), rows.end(), 0u);
  return rows;
}

double distance(const float* a, const float* b, std::int64_t columns) {
  double sum = 0;
  for (std::int64_t i = 0; i < columns; ++i) sum += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
  return sum;
}

double mean_distance(const matrix& vectors, const std::vector<float>& centroids) {
  const auto count = static_cast<std::int64_t>(centroids.size()) / vectors.cols;
  double sum = 0;
  for (std::int64_t r = 0; r < vectors.rows; ++r) {
    double best = std::numeric_limits<double>::infinity();
    for (std::int64_t c = 0; c < count; ++c)
      best = std::min(best, distance(const_view(vectors).row<float>(r), centroids.data() + c * vectors.cols, vectors.cols));
    sum += best;
  }
  return sum / static_cast<double>(vectors.rows);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(k_means)

// Small integers: distances are exact, ties many.
BOOST_AUTO_TEST_CASE(the_nearest_centroid_is_that_of_plain_loops) {
  for (const std::int64_t centroids : {1, 2, 15, 16, 17, 33}) {
    for (const std::int64_t rows : {1, 95, 96, 97}) {
      const auto vectors = test::small_integers(rows, 7, 1), centers = test::small_integers(centroids, 7, 2);
      const auto found = nearest_centroids(vectors, all_of(vectors), centers, 2);
      for (std::int64_t r = 0; r < rows; ++r) {
        std::int64_t best = 0;
        for (std::int64_t c = 1; c < centroids; ++c) {
          const float* x = const_view(vectors).row<float>(r);
          if (distance(x, const_view(centers).row<float>(c), 7) < distance(x, const_view(centers).row<float>(best), 7)) best = c;
        }
        BOOST_TEST(found[static_cast<std::size_t>(r)] == static_cast<std::uint32_t>(best));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(rows_are_grouped_in_their_order) {
  const std::vector<std::uint32_t> rows = {9, 4, 7, 1, 3}, label = {2, 0, 2, 0, 2};
  const row_groups groups = group_rows(rows, label, 4);
  const auto of = [&](std::size_t g) { return std::vector<std::uint32_t>(groups.of(g).begin(), groups.of(g).end()); };
  BOOST_TEST(of(0) == (std::vector<std::uint32_t>{4, 1}), boost::test_tools::per_element());
  BOOST_TEST(of(1).empty());
  BOOST_TEST(of(2) == (std::vector<std::uint32_t>{9, 7, 3}), boost::test_tools::per_element());
  BOOST_TEST(of(3).empty());
}

BOOST_AUTO_TEST_CASE(drawn_rows_are_different_and_rising) {
  std::vector<std::uint32_t> rows(1000);
  std::iota(rows.begin(), rows.end(), 5u);
  const auto drawn = drawn_rows(rows, 100, 3);
  BOOST_TEST(drawn.size() == 100u);
  for (std::size_t i = 1; i < drawn.size(); ++i) BOOST_TEST(drawn[i - 1] < drawn[i]);
  BOOST_TEST(drawn.back() <= 1004u);
  BOOST_TEST((drawn != drawn_rows(rows, 100, 4)));
  BOOST_TEST((drawn_rows(rows, 2000, 3) == rows));
}

BOOST_AUTO_TEST_CASE(clusters_far_apart_are_found) {
  auto vectors = test::normal_matrix(400, 5, 1);
  for (std::int64_t r = 0; r < 400; ++r) vectors.values[static_cast<std::size_t>(r * 5 + r % 4)] += 100;
  const auto centroids = train_kmeans(vectors, all_of(vectors), {.clusters = 4, .iterations = 20, .seed = 1});
  BOOST_TEST(mean_distance(vectors, centroids) < 6.0);  // 5 columns of variance 1; two clusters taken as one leave thousands
}

BOOST_AUTO_TEST_CASE(more_iterations_never_move_rows_away) {
  const auto vectors = test::normal_matrix(600, 9, 1);
  double before = std::numeric_limits<double>::infinity();
  for (const int iterations : {0, 1, 2, 5, 20}) {
    const double now = mean_distance(vectors, train_kmeans(vectors, all_of(vectors), {.clusters = 24, .iterations = iterations}));
    BOOST_TEST(now <= before * (1 + 1e-6));
    before = now;
  }
}

BOOST_AUTO_TEST_CASE(threads_do_not_matter) {
  const auto vectors = test::normal_matrix(700, 20, 1);
  const auto alone = train_kmeans(vectors, all_of(vectors), {.clusters = 40, .threads = 1});
  BOOST_TEST((alone == train_kmeans(vectors, all_of(vectors), {.clusters = 40, .threads = 3})));
}

// Three different rows: two centroids start at equal ones, and one of them gets no row.
BOOST_AUTO_TEST_CASE(a_centroid_without_rows_takes_a_half_of_the_largest) {
  const matrix vectors{6, 1, {1, 1, 1, 1, 5, 9}};
  const auto centroids = train_kmeans(vectors, all_of(vectors), {.clusters = 6, .iterations = 3});
  BOOST_TEST(centroids.size() == 6u);
  BOOST_TEST(mean_distance(vectors, centroids) < 1e-4);
  BOOST_TEST(train_kmeans(vectors, all_of(vectors), {.clusters = 60}).size() == 6u);
}

BOOST_AUTO_TEST_SUITE_END()

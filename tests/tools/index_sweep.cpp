#include "tools/index_sweep.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <numeric>

using namespace argosy;

namespace {

constexpr std::size_t k = 10, some_leaves = 64;

// Finds one of the k best a leaf that it visits, of which there are never fewer than hold four times k rows.
class sparing_index final : public vector_index {
public:
  explicit sparing_index(std::size_t rows) : rows_(rows) {}
  std::string_view kind() const noexcept override { return "sparing"; }
  std::size_t size() const noexcept override { return rows_; }
  std::size_t columns() const noexcept override { return 1; }
  std::size_t leaves() const noexcept override { return some_leaves; }
  status verify() const override { return {}; }
  result<std::vector<float>> restore(std::size_t, std::size_t count) const override { return std::vector<float>(count); }
  result<std::vector<std::vector<hit>>> search(const_view queries, const search_options& options) const override {
    const std::size_t found = std::min<std::size_t>(k, std::max<std::size_t>(4 * k * some_leaves / rows_ + 1, options.effort.leaves));
    std::vector<hit> list;
    for (std::uint32_t row = 0; row < k; ++row) list.push_back({row < found ? row : row + 100, 0});
    return std::vector(static_cast<std::size_t>(queries.rows), list);
  }

private:
  std::size_t rows_;
};

struct swept {
  explicit swept(std::size_t rows = 640) : index(rows) { std::iota(exact[0].begin(), exact[0].end(), 0u); }
  sparing_index index;
  float query = 0;
  exact_rows exact{std::vector<std::uint32_t>(k)};
  manual_clock clock;
  result<index_sweep::choice> cheapest(double wanted) const {
    const index_sweep sweep(index, view_of(&query, 1, 1), exact, k, 1, clock);
    return sweep.cheapest(wanted, [](auto...) {}, {});
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(index_sweeps)

BOOST_AUTO_TEST_CASE(an_index_that_visits_more_leaves_than_it_is_asked_to_is_tuned_beyond_them) {
  const auto made = swept().cheapest(0.85);
  BOOST_REQUIRE(made.ok());
  BOOST_REQUIRE(made->best.has_value());
  BOOST_TEST(made->best->effort.leaves == 9u);
  BOOST_TEST(made->best->recall == 0.9);
}

BOOST_AUTO_TEST_CASE(an_index_of_fewer_rows_than_twice_k_is_tuned_with_all_of_them_as_candidates) {
  const auto made = swept(15).cheapest(0.85);
  BOOST_REQUIRE(made.ok());
  BOOST_REQUIRE(made->best.has_value());
  BOOST_TEST(made->best->effort.rerank == 15u);
  BOOST_TEST(made->tried.size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_no_leaves_reach_is_said) {
  const auto made = swept().cheapest(1.1);
  BOOST_REQUIRE(made.ok());
  BOOST_TEST(!made->best.has_value());
  BOOST_TEST(made->most == 1.0);
}

BOOST_AUTO_TEST_SUITE_END()

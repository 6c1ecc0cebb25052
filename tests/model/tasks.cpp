// The patch head by itself, its targets held still: gradients of what it reads against central differences (oracle 11), and its losses
// written out.
#include "model/tasks.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "tests/support/compare.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

constexpr std::int64_t hidden = 6, patches = 7, rows = 9;

struct patch_fixture {
  std::unique_ptr<device> on = make_reference_device();
  parameters weights;
  patch_head head;
  std::vector<double> encoded = filled(1, rows), target = filled(2, patches);
  const std::vector<std::int32_t> patch_row{1, 2, 3, 5, 6, 7, 8}, masked{1, 4, 5};

  patch_fixture() {
    std::vector<parameter_spec> specs;
    patch_head::add_specs(specs, "mpm", hidden, .4);
    weights = parameters::make(*on, std::move(specs), 3).value();
    head = patch_head::bind(weights, "mpm");
  }
  static std::vector<double> filled(std::uint32_t seed, std::int64_t count) {
    std::vector<double> values(static_cast<std::size_t>(count * hidden));
    const auto fill = test::normals(seed);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = fill(static_cast<std::int64_t>(i));
    return values;
  }
  struct sums {
    double contrastive = 0, regression = 0;
  };
  sums run(const patch_head::settings& how) {
    weights.zero_gradients(*on);
    sums losses;
    test::require_ok(head.run(*on, view_of(encoded.data(), rows, hidden), patch_row, view_of(target.data(), patches, hidden), masked, how,
                              {view_of(&losses.contrastive, 1, 1), view_of(&losses.regression, 1, 1)}));
    return losses;
  }
  double weighted(const patch_head::settings& how) {
    const auto losses = run(how);
    return how.contrastive * losses.contrastive + how.regression * losses.regression;
  }
  void check_gradients(const patch_head::settings& how) {
    constexpr double h = 1e-6;
    run(how);
    std::vector<double> gradient(encoded.size());
    const const_view d = head.d_rows();
    for (std::size_t n = 0; n < head.read_rows().size(); ++n)
      for (std::int64_t c = 0; c < hidden; ++c)
        gradient[static_cast<std::size_t>(head.read_rows()[n] * hidden + c)] += d.row<double>(static_cast<std::int64_t>(n))[c];
    for (std::size_t i = 0; i < encoded.size(); ++i) {
      const double kept = encoded[i];
      encoded[i] = kept + h;
      const double above = weighted(how);
      encoded[i] = kept - h;
      const double below = weighted(how);
      encoded[i] = kept;
      BOOST_TEST(std::abs((above - below) / (2 * h) - gradient[i]) <= 1e-7, "row " << i / hidden << ": " << gradient[i]);
    }
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(patch_heads, patch_fixture)

BOOST_AUTO_TEST_CASE(gradients_of_rows) {
  check_gradients({.contrastive = .5});
  check_gradients({.contrastive = .5, .regression = .3});
  check_gradients({.contrastive = .5, .regression = 0, .symmetric = true});
  check_gradients({.contrastive = .5, .regression = 0, .symmetric = true, .same_patch = .1});
}

// For the regression alone only the masked patches are predicted.
BOOST_AUTO_TEST_CASE(gradients_of_the_regression_alone) {
  check_gradients({.contrastive = 0, .regression = .3});
  BOOST_TEST(head.read_rows().size() == masked.size());
  const double alone = run({.contrastive = 0, .regression = 1}).regression;
  BOOST_TEST(alone == run({.contrastive = 1, .regression = 1}).regression, boost::test_tools::tolerance(1e-12));
}

// A patch that is like the masked one leaves the denominator.
BOOST_AUTO_TEST_CASE(patches_that_are_alike_are_no_negatives) {
  std::copy_n(target.begin() + masked[0] * hidden, hidden, target.begin());
  const double all = run({.contrastive = 1}).contrastive, without = run({.contrastive = 1, .same_patch = .999}).contrastive;
  BOOST_TEST(without < all);
  BOOST_TEST(run({.contrastive = 1, .same_patch = 1}).contrastive == all);
}

BOOST_AUTO_TEST_CASE(the_trained_temperature_starts_at_07_and_stops_at_its_limit) {
  const auto& p = weights.at("mpm.log_inv_tau");
  BOOST_TEST(std::exp(*p.value.as<double>()) == 1 / .07, boost::test_tools::tolerance(1e-12));
  run({.contrastive = 1});
  BOOST_TEST(*p.gradient.as<double>() != 0.0);
  *p.value.as<double>() = std::log(101.0);
  run({.contrastive = 1});
  BOOST_TEST(*p.gradient.as<double>() == 0.0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

// The ends of the smaller tasks beside the reference, on both sides of the width of a register.
#include "kernels/classify.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "tests/support/compare.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tested_device.hpp"

namespace argosy {
namespace {

using namespace test;

constexpr std::int64_t widths[] = {1, 2, 7, 8, 9, 33, 256};

struct devices {
  std::unique_ptr<device> cpu = make_tested_device(2), reference = make_reference_device();
};

std::vector<std::int32_t> labels(std::int64_t rows, std::int64_t columns) {
  std::vector<std::int32_t> made;
  for (std::int64_t n = 0; n < rows; ++n) made.push_back(static_cast<std::int32_t>((5 * n + 1) % columns));
  return made;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(classify, devices)

// Products of small integers and their sums are exact.
BOOST_AUTO_TEST_CASE(features_of_pairs) {
  for (const std::int64_t width : widths) {
    twin q(5, width, small_integers(1), 3), p(5, width, small_integers(2)), y(5, 4 * width, constant(9), 1);
    require_ok(pair_features_forward(*cpu, {q.f32(), p.f32()}, y.f32()));
    require_ok(pair_features_forward(*reference, {q.f64(), p.f64()}, y.f64()));
    check_equal("features", y);
    twin d_y(5, 4 * width, small_integers(3)), d_q(5, width, constant(9), 2), d_p(5, width, constant(9));
    require_ok(pair_features_backward(*cpu, {q.f32(), p.f32()}, d_y.f32(), d_q.f32(), d_p.f32()));
    require_ok(pair_features_backward(*reference, {q.f64(), p.f64()}, d_y.f64(), d_q.f64(), d_p.f64()));
    check_equal("d_query", d_q);
    check_equal("d_product", d_p);
  }
}

BOOST_AUTO_TEST_CASE(entropy_of_classes) {
  for (const std::int64_t width : widths) {
    const auto label = labels(6, width);
    twin logits(6, width, normals(1, 6), 1), loss(1, 6, constant(9)), d(6, width, constant(9), 2);
    require_ok(cross_entropy(*cpu, {logits.f32(), label}, .5, loss.f32(), d.f32()));
    require_ok(cross_entropy(*reference, {logits.f64(), label}, .5, loss.f64(), d.f64()));
    const double rounding = unit_roundoff * (2 * logits.largest_value() + std::sqrt(static_cast<double>(width)) + 8);
    check_near("loss", loss, rounding * 2);
    check_near("d_logits", d, rounding);
  }
}

BOOST_AUTO_TEST_CASE(divergence_of_distributions) {
  for (const std::int64_t width : widths) {
    twin target(6, width, normals(1, 3), 1), predicted(6, width, normals(2, 3)), loss(1, 6, constant(9)), d(6, width, constant(9), 2);
    require_ok(divergence(*cpu, {target.f32(), predicted.f32()}, .5, loss.f32(), d.f32()));
    require_ok(divergence(*reference, {target.f64(), predicted.f64()}, .5, loss.f64(), d.f64()));
    const double spread = target.largest_value() + predicted.largest_value();
    const double rounding = unit_roundoff * (2 * spread + std::sqrt(static_cast<double>(width)) + 8);
    check_near("loss", loss, rounding * spread * 2);
    check_near("d_predicted", d, rounding);
  }
}

BOOST_AUTO_TEST_CASE(no_rows_are_no_work) {
  float none = 0;
  const view empty = view_of(&none, 0, 3), no_loss = view_of(&none, 1, 0);
  require_ok(cross_entropy(*cpu, {empty, {}}, 1, no_loss, empty));
  require_ok(divergence(*cpu, {empty, empty}, 1, no_loss, empty));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

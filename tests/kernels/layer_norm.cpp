// Normalisations beside the reference: layer_norm, rows of length one, and the gate of modal adaptation.
#include "kernels/layer_norm.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "kernels/modal_gate.hpp"
#include "kernels/normalise.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/dropped_rows.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tested_device.hpp"

namespace argosy {
namespace {

using namespace test;

struct devices {
  std::unique_ptr<device> cpu = make_tested_device(2), reference = make_reference_device();
};

// A row's sums have C terms in four running sums of registers, so C / 16 roundings in a chain; some more in each formula.
double row_tolerance(std::int64_t cols) { return unit_roundoff * (static_cast<double>(cols) / 8 + 16); }

void compare_layer_norm(std::int64_t rows, std::int64_t cols, std::int64_t gap, bool residual, bool in_place, double rate = 0) {
  const devices on;
  const dropped_rows draws(rows);
  twin x(rows, cols, normals(1), gap), r(rows, residual ? cols : 0, normals(2)), gain(1, cols, normals(3)), bias(1, cols, normals(4));
  twin other(rows, cols, constant(9), gap), normalised(rows, cols, constant(9)), rstd(1, rows, constant(9));
  twin& y = in_place ? x : other;
  const layer_norm_input cpu{x.f32(), residual ? r.f32() : view{}, gain.f32(), bias.f32(), 1e-5, draws.at(rate)};
  const layer_norm_input reference{x.f64(), residual ? r.f64() : view{}, gain.f64(), bias.f64(), 1e-5, draws.at(rate)};
  require_ok(layer_norm_forward(*on.cpu, cpu, y.f32(), {normalised.f32(), rstd.f32()}));
  require_ok(layer_norm_forward(*on.reference, reference, y.f64(), {normalised.f64(), rstd.f64()}));
  // Everything after rstd carries its relative error, and what the subtraction of the mean leaves: both grow with rstd.
  const double kept = 1 / (1 - rate), one = row_tolerance(cols) * (1 + rstd.largest_value()) * std::max(kept, normalised.largest_value());
  check_near("rstd", rstd, one * rstd.largest_value() * rstd.largest_value());
  check_near("normalised", normalised, one);
  check_near("y", y, one * gain.largest_value() + 4 * unit_roundoff);

  twin d_y(rows, cols, normals(5), gap), d_gain(1, cols, normals(6)), d_bias(1, cols, normals(7));
  const double d = d_y.largest_value(), n = normalised.largest_value();
  require_ok(layer_norm_backward(*on.cpu, cpu, {normalised.f32(), rstd.f32()}, d_y.f32(), {d_y.f32(), d_gain.f32(), d_bias.f32()}));
  require_ok(
      layer_norm_backward(*on.reference, reference, {normalised.f64(), rstd.f64()}, d_y.f64(), {d_y.f64(), d_gain.f64(), d_bias.f64()}));
  check_near("d_x, in place of d_y", d_y, 4 * one * gain.largest_value() * d * rstd.largest_value() * n * n);
  const double summed = static_cast<double>(rows) * d;
  check_near("d_gain", d_gain, (one + unit_roundoff * 130) * summed * n);  // at most 128 rows in a chain
  check_near("d_bias", d_bias, unit_roundoff * 130 * summed + unit_roundoff * 4);
}

// What is dropped is so in forward and in backward, and the residual's gradient is left whole: in a matrix of its own, in that of d_y or nowhere.
void compare_dropped(std::int64_t rows, std::int64_t cols, std::int64_t gap, bool in_place) {
  compare_layer_norm(rows, cols, gap, true, in_place, .3);
  const devices on;
  const dropped_rows draws(rows);
  twin normalised(rows, cols, normals(1)), rstd(1, rows, constant(.75)), gain(1, cols, normals(3)), d_y(rows, cols, normals(5), gap);
  twin d_x(rows, cols, constant(9), gap), other(rows, cols, constant(9)), d_gain(1, cols, normals(6)), d_bias(1, cols, normals(7));
  twin& d_residual = in_place ? d_y : other;
  const layer_norm_input cpu{{}, {}, gain.f32(), {}, 1e-5, draws.at(.3)}, reference{{}, {}, gain.f64(), {}, 1e-5, draws.at(.3)};
  const double bound = 8 * row_tolerance(cols) * gain.largest_value() * d_y.largest_value() * std::pow(normalised.largest_value(), 2);
  require_ok(layer_norm_backward(*on.cpu, cpu, {normalised.f32(), rstd.f32()}, d_y.f32(),
                                 {d_x.f32(), d_gain.f32(), d_bias.f32(), d_residual.f32()}));
  require_ok(layer_norm_backward(*on.reference, reference, {normalised.f64(), rstd.f64()}, d_y.f64(),
                                 {d_x.f64(), d_gain.f64(), d_bias.f64(), d_residual.f64()}));
  check_near("d_x", d_x, bound);
  check_near("d_residual", d_residual, bound);
}

void compare_normalise(std::int64_t rows, std::int64_t cols, std::int64_t gap) {
  const devices on;
  twin x(rows, cols, normals(1), gap), y(rows, cols, constant(9), gap), norm(1, rows, constant(9)), d_y(rows, cols, normals(2), gap);
  require_ok(normalise_forward(*on.cpu, x.f32(), y.f32(), norm.f32()));
  require_ok(normalise_forward(*on.reference, x.f64(), y.f64(), norm.f64()));
  check_near("norm", norm, row_tolerance(cols) * norm.largest_value());
  check_near("y", y, row_tolerance(cols));
  const double d = d_y.largest_value() * static_cast<double>(cols);
  double shortest = HUGE_VAL;
  for (std::int64_t r = 0; r < rows; ++r) shortest = std::min(shortest, norm.f64().as<double>()[r]);
  require_ok(normalise_backward(*on.cpu, y.f32(), norm.f32(), d_y.f32(), d_y.f32()));
  require_ok(normalise_backward(*on.reference, y.f64(), norm.f64(), d_y.f64(), d_y.f64()));
  check_near("d_x, in place of d_y", d_y, 2 * row_tolerance(cols) * d / shortest);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(normalisations)

BOOST_AUTO_TEST_CASE(layer_norm_of_every_width) {
  for (const std::int64_t cols : {2, 3, 7, 8, 9, 31, 32, 33, 63, 65, 192, 257}) compare_layer_norm(5, cols, 0, true, false);
}

BOOST_AUTO_TEST_CASE(layer_norm_with_gaps_without_residual_and_in_place) {
  compare_layer_norm(7, 20, 3, true, true);
  compare_layer_norm(7, 20, 3, false, false);
  compare_layer_norm(7, 20, 0, false, true);
  compare_layer_norm(0, 20, 0, true, false);
}

BOOST_AUTO_TEST_CASE(layer_norm_after_dropout) {
  for (const std::int64_t cols : {3, 7, 20, 32, 63, 192, 257, 260})
    for (const bool in_place : {false, true}) compare_dropped(70, cols, 0, in_place);
  compare_dropped(7, 20, 3, true);
  compare_dropped(0, 20, 0, false);
}

// The same call, dropped beforehand.
BOOST_AUTO_TEST_CASE(dropout_inside_layer_norm_is_dropout_before_it) {
  const auto on = make_tested_device(2);
  const dropped_rows draws(9);
  twin x(9, 48, normals(1)), r(9, 48, normals(2)), gain(1, 48, normals(3)), bias(1, 48, normals(4)), inside(9, 48, constant(9));
  require_ok(layer_norm_forward(*on, {x.f32(), r.f32(), gain.f32(), bias.f32(), 1e-5, draws.at(.5)}, inside.f32(), {}));
  require_ok(dropout(*on, draws.at(.5), x.f32()));
  require_ok(layer_norm_forward(*on, {x.f32(), r.f32(), gain.f32(), bias.f32(), 1e-5}, x.f32(), {}));
  double apart = 0;
  for (std::size_t i = 0; i < x.bits().size(); ++i) apart = std::max(apart, static_cast<double>(std::abs(x.bits()[i] - inside.bits()[i])));
  BOOST_TEST(apart <= row_tolerance(48) * 4);
}

BOOST_AUTO_TEST_CASE(layer_norm_over_more_rows_than_a_block) {
  for (const std::int64_t rows : {63, 64, 65, 200}) compare_layer_norm(rows, 66, 0, true, false);
}

BOOST_AUTO_TEST_CASE(layer_norm_without_anything_saved) {
  const devices on;
  twin x(6, 19, normals(1)), gain(1, 19, normals(3)), bias(1, 19, normals(4)), y(6, 19, constant(0));
  require_ok(layer_norm_forward(*on.cpu, {x.f32(), {}, gain.f32(), bias.f32(), 1e-5}, y.f32(), {}));
  require_ok(layer_norm_forward(*on.reference, {x.f64(), {}, gain.f64(), bias.f64(), 1e-5}, y.f64(), {}));
  check_near("y", y, row_tolerance(19) * 8 * gain.largest_value());
}

BOOST_AUTO_TEST_CASE(layer_norm_of_equal_numbers_is_the_bias) {
  const devices on;
  twin x(3, 24, constant(3)), gain(1, 24, normals(1)), bias(1, 24, normals(2)), y(3, 24, constant(9));
  require_ok(layer_norm_forward(*on.cpu, {x.f32(), {}, gain.f32(), bias.f32(), 1e-12}, y.f32(), {}));
  for (std::int64_t c = 0; c < 24; ++c) BOOST_TEST(y.f32().row<float>(2)[c] == bias.f32().as<float>()[c]);
}

BOOST_AUTO_TEST_CASE(rows_of_length_one) {
  for (const std::int64_t cols : {1, 7, 8, 9, 33, 64, 100, 256})
    for (const std::int64_t gap : {0, 3}) compare_normalise(6, cols, gap);
}

BOOST_AUTO_TEST_CASE(a_row_of_zeros_stays_zero) {
  const devices on;
  twin x(1, 9, constant(0)), y(1, 9, constant(9)), norm(1, 1, constant(9));
  require_ok(normalise_forward(*on.cpu, x.f32(), y.f32(), norm.f32()));
  BOOST_TEST(norm.f32().as<float>()[0] == 1e-12f);
  BOOST_TEST(y.f32().as<float>()[8] == 0);
}

BOOST_AUTO_TEST_CASE(gate_between_title_and_image) {
  const devices on;
  for (const std::int64_t cols : {1, 7, 8, 9, 64, 65}) {
    const std::int64_t rows = 7;
    twin title(rows, cols, normals(1), 2), image(rows, cols, normals(2)), logits(rows, 2, normals(3, 3));
    twin product(rows, cols, constant(9)), gate(rows, 2, constant(9)), d_product(rows, cols, normals(4));
    twin d_title(rows, cols, constant(9), 2), d_image(rows, cols, constant(9)), d_logits(rows, 2, constant(9));
    std::vector<modality> present;
    for (std::int64_t b = 0; b < rows; ++b) present.push_back(static_cast<modality>(b % 3));
    // The row of an absent modality is not read.
    title.f32().row<float>(2)[0] = NAN;
    image.f32().row<float>(1)[0] = NAN;
    const modal_gate_input cpu{title.f32(), image.f32(), logits.f32(), present};
    const modal_gate_input reference{title.f64(), image.f64(), logits.f64(), present};
    require_ok(modal_gate_forward(*on.cpu, cpu, product.f32(), gate.f32()));
    require_ok(modal_gate_forward(*on.reference, reference, product.f64(), gate.f64()));
    check_near("gate", gate, 2 * unit_roundoff);
    check_near("product", product, 8 * unit_roundoff * std::max(title.largest_value(), image.largest_value()));
    require_ok(modal_gate_backward(*on.cpu, cpu, gate.f32(), d_product.f32(), {d_title.f32(), d_image.f32(), d_logits.f32()}));
    require_ok(modal_gate_backward(*on.reference, reference, gate.f64(), d_product.f64(), {d_title.f64(), d_image.f64(), d_logits.f64()}));
    const double d = d_product.largest_value();
    check_near("d_title", d_title, 4 * unit_roundoff * d);
    check_near("d_image", d_image, 4 * unit_roundoff * d);
    check_near("d_logits", d_logits, row_tolerance(cols) * static_cast<double>(cols) * d * (title.largest_value() + image.largest_value()));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

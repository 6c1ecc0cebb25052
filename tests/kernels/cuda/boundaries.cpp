// The CUDA kernels beside the reference where their own blocks, packs and tiles end; what every device is tested with is in tests/kernels.
#include <boost/test/unit_test.hpp>
#include <numeric>
#include <vector>

#include "kernels/attention.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/linear.hpp"
#include "kernels/qpm_loss.hpp"
#include "kernels/rows.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/dropped_rows.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tested_device.hpp"

namespace argosy {
namespace {

using namespace test;

struct devices {
  std::unique_ptr<device> cuda = make_tested_device(1), reference = make_reference_device();
};

double tolerance(std::int64_t terms) { return unit_roundoff * (static_cast<double>(terms) / 4 + 32); }

void compare_layer_norm(std::int64_t rows, std::int64_t cols, std::int64_t gap) {
  const devices on;
  twin x(rows, cols, normals(1), gap), r(rows, cols, normals(2), gap), gain(1, cols, normals(3)), bias(1, cols, normals(4));
  twin y(rows, cols, constant(9), gap), normalised(rows, cols, constant(9)), rstd(1, rows, constant(9));
  const layer_norm_input narrow{x.f32(), r.f32(), gain.f32(), bias.f32(), 1e-5}, wide{x.f64(), r.f64(), gain.f64(), bias.f64(), 1e-5};
  require_ok(layer_norm_forward(*on.cuda, narrow, y.f32(), {normalised.f32(), rstd.f32()}));
  require_ok(layer_norm_forward(*on.reference, wide, y.f64(), {normalised.f64(), rstd.f64()}));
  check_near("y", y, tolerance(cols) * 16);
  twin d(rows, cols, normals(5), gap), d_gain(1, cols, normals(6)), d_bias(1, cols, normals(7));
  require_ok(layer_norm_backward(*on.cuda, narrow, {normalised.f32(), rstd.f32()}, d.f32(), {d.f32(), d_gain.f32(), d_bias.f32()}));
  require_ok(layer_norm_backward(*on.reference, wide, {normalised.f64(), rstd.f64()}, d.f64(), {d.f64(), d_gain.f64(), d_bias.f64()}));
  check_near("d_x", d, tolerance(cols) * 64);
  check_near("d_gain", d_gain, tolerance(rows + cols) * 64);
  check_near("d_bias", d_bias, tolerance(rows) * 64);

  const dropped_rows draws(rows);
  const layer_norm_input dropped{x.f32(), r.f32(), gain.f32(), bias.f32(), 1e-5, draws.at(.3)},
      dropped_wide{x.f64(), r.f64(), gain.f64(), bias.f64(), 1e-5, draws.at(.3)};
  require_ok(layer_norm_forward(*on.cuda, dropped, y.f32(), {normalised.f32(), rstd.f32()}));
  require_ok(layer_norm_forward(*on.reference, dropped_wide, y.f64(), {normalised.f64(), rstd.f64()}));
  check_near("y after dropout", y, tolerance(cols) * 16);
  twin d_x(rows, cols, constant(9), gap);
  require_ok(
      layer_norm_backward(*on.cuda, dropped, {normalised.f32(), rstd.f32()}, d.f32(), {d_x.f32(), d_gain.f32(), d_bias.f32(), d.f32()}));
  require_ok(layer_norm_backward(*on.reference, dropped_wide, {normalised.f64(), rstd.f64()}, d.f64(),
                                 {d_x.f64(), d_gain.f64(), d_bias.f64(), d.f64()}));
  check_near("d_x after dropout", d_x, tolerance(cols) * 64);
  check_near("d_residual", d, tolerance(cols) * 64);
}

void compare_gelu(std::int64_t rows, std::int64_t cols, std::int64_t gap) {
  const devices on;
  twin x(rows, cols, normals(1), gap), bias(1, cols, normals(2)), d(rows, cols, normals(3), gap), d_bias(1, cols, normals(4));
  require_ok(bias_gelu_backward(*on.cuda, x.f32(), bias.f32(), d.f32(), d.f32(), d_bias.f32()));
  require_ok(bias_gelu_backward(*on.reference, x.f64(), bias.f64(), d.f64(), d.f64(), d_bias.f64()));
  check_near("d_x", d, tolerance(4));
  check_near("d_bias", d_bias, tolerance(rows) * 16);
}

void compare_loss(std::int64_t queries, std::int64_t products, std::int64_t kept) {
  const devices on;
  const std::int64_t width = 3;
  twin query(queries, width, normals(1, .5)), product(products, width, normals(2, .5)), bank(kept, width, normals(3, .5));
  twin product_log_p(1, products, normals(4)), bank_log_p(1, kept, normals(5)), log_scale(1, 1, constant(1.5)),
      d_log_scale(1, 1, constant(.25));
  twin loss(1, queries, constant(9)), lse(1, queries, constant(9)), share(1, queries, constant(9)), of_bank(1, queries, constant(9));
  twin d_query(queries, width, constant(9)), d_product(products, width, constant(9)), d_log_p(1, products, constant(9));
  std::vector<std::int64_t> product_id(static_cast<std::size_t>(products)), bank_id(static_cast<std::size_t>(kept));
  for (std::size_t i = 0; i < product_id.size(); ++i) product_id[i] = static_cast<std::int64_t>(i % 900);
  for (std::size_t i = 0; i < bank_id.size(); ++i) bank_id[i] = static_cast<std::int64_t>(i % 1100);
  std::vector<std::int32_t> own, known_offset{0};
  for (std::int64_t b = 0; b < queries; ++b) {
    own.push_back(static_cast<std::int32_t>((7 * b + products - 1) % products));
    known_offset.push_back(0);
  }
  std::vector<std::int32_t> counts(own.size()), counts_bank(own.size());
  const auto run = [&](device& d, auto of) {
    const qpm_input in{.query = of(query),
                       .product = of(product),
                       .bank = of(bank),
                       .log_scale = of(log_scale),
                       .product_id = product_id,
                       .bank_id = bank_id,
                       .product_log_p = of(product_log_p),
                       .bank_log_p = of(bank_log_p),
                       .own = own,
                       .known_offset = known_offset,
                       .known_product = {}};
    const qpm_output out{of(loss), of(lse), of(share), of(of_bank), counts, counts_bank};
    require_ok(qpm_forward(d, in, out));
    require_ok(
        qpm_backward(d, in, out, .5,
                     {.d_query = of(d_query), .d_product = of(d_product), .d_log_scale = of(d_log_scale), .d_product_log_p = of(d_log_p)}));
  };
  run(*on.cuda, [](twin& t) { return t.f32(); });
  const auto narrow_counts = counts, narrow_bank = counts_bank;
  run(*on.reference, [](twin& t) { return t.f64(); });
  BOOST_TEST(narrow_counts == counts, boost::test_tools::per_element());
  BOOST_TEST(narrow_bank == counts_bank, boost::test_tools::per_element());
  const double one = tolerance(products + kept);
  check_near("loss", loss, one * 8);
  check_near("share", share, one);
  check_near("d_query", d_query, one * 16);
  check_near("d_product", d_product, tolerance(queries) * 32 * std::max(1., d_product.largest_value()));
  check_near("d_log_p", d_log_p, tolerance(queries) * 32 * std::max(1., d_log_p.largest_value()));
  check_near("d_log_scale", d_log_scale, one * static_cast<double>(queries) * 8);
}

void compare_attention(const std::vector<std::int32_t>& counts, int heads, std::int64_t width) {
  const devices on;
  std::vector<std::int32_t> offset{0};
  for (const auto count : counts) offset.push_back(offset.back() + count);
  const std::int64_t rows = offset.back(), cols = heads * width;
  twin q(rows, cols, normals(1)), k(rows, cols, normals(2)), v(rows, cols, normals(3)), d_o(rows, cols, normals(4));
  twin o(rows, cols, constant(9)), lse(rows, heads, constant(9));
  twin d_q(rows, cols, constant(9)), d_k(rows, cols, constant(9)), d_v(rows, cols, constant(9));
  const double scale = 1 / std::sqrt(static_cast<double>(width));
  const attention_input narrow{heads, scale, q.f32(), k.f32(), v.f32(), offset, offset},
      wide{heads, scale, q.f64(), k.f64(), v.f64(), offset, offset};
  require_ok(attention_forward(*on.cuda, narrow, o.f32(), lse.f32()));
  require_ok(attention_forward(*on.reference, wide, o.f64(), lse.f64()));
  require_ok(attention_backward(*on.cuda, narrow, o.f32(), lse.f32(), d_o.f32(), {d_q.f32(), d_k.f32(), d_v.f32()}));
  require_ok(attention_backward(*on.reference, wide, o.f64(), lse.f64(), d_o.f64(), {d_q.f64(), d_k.f64(), d_v.f64()}));
  for (const auto& [name, of] : {std::pair{"o", &o}, {"lse", &lse}, {"d_q", &d_q}, {"d_k", &d_k}, {"d_v", &d_v}})
    check_near(name, *of, tolerance(8 * width + 4 * rows) * 16);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cuda_boundaries)

BOOST_AUTO_TEST_CASE(layer_norm_where_packs_end) {
  for (const std::int64_t cols : {4, 124, 128, 132, 256, 260, 384, 512, 516, 768, 772, 1024}) compare_layer_norm(9, cols, 0);
  for (const std::int64_t cols : {255, 256, 257, 1024}) compare_layer_norm(9, cols, 1);
}

BOOST_AUTO_TEST_CASE(layer_norm_where_parts_of_rows_end) {
  for (const std::int64_t rows : {1, 7, 8, 127, 128, 129, 257}) compare_layer_norm(rows, 36, 0);
}

BOOST_AUTO_TEST_CASE(layer_norm_of_rows_too_wide_is_refused) {
  const devices on;
  twin x(1, 1028, normals(1)), gain(1, 1028, normals(2)), bias(1, 1028, normals(3)), y(1, 1028, constant(9));
  check_refused(layer_norm_forward(*on.cuda, {x.f32(), {}, gain.f32(), bias.f32(), 1e-5}, y.f32(), {}), errc::invalid_argument,
                {"1028", "at most 1024"});
}

BOOST_AUTO_TEST_CASE(sums_of_columns_where_strips_and_parts_end) {
  for (const std::int64_t cols : {31, 32, 33, 127, 128, 132}) compare_gelu(5, cols, 0);
  for (const std::int64_t rows : {127, 128, 129, 1025}) compare_gelu(rows, 12, 0);
  compare_gelu(130, 33, 3);
}

BOOST_AUTO_TEST_CASE(loss_where_tiles_end) {
  for (const std::int64_t queries : {1023, 1024, 1025}) compare_loss(queries, 70, 30);
  for (const std::int64_t columns : {4095, 4096, 4097}) {
    compare_loss(5, columns, 40);
    compare_loss(5, 40, columns);
  }
}

BOOST_AUTO_TEST_CASE(attention_where_tiles_and_warps_end) {
  for (const std::int32_t length : {1, 4, 5, 31, 32, 33, 64, 65}) compare_attention({3, length, 0, 2}, 2, 16);
  for (const std::int64_t width : {1, 31, 32, 33, 64, 65, 128}) compare_attention({7, 33}, 1, width);
}

BOOST_AUTO_TEST_CASE(attention_of_heads_too_wide_is_refused) {
  const devices on;
  const std::vector<std::int32_t> offset{0, 1};
  twin q(1, 129, normals(1)), o(1, 129, constant(9));
  check_refused(attention_forward(*on.cuda, {1, 1, q.f32(), q.f32(), q.f32(), offset, offset}, o.f32(), {}), errc::invalid_argument,
                {"129", "at most 128"});
}

// 64 rows make one sum, 64 sums one of the next round.
BOOST_AUTO_TEST_CASE(rows_that_meet_where_rounds_end) {
  const devices on;
  for (const std::int32_t rows : {63, 64, 65, 4096, 4097, 5000}) {
    std::vector<std::int32_t> target(static_cast<std::size_t>(rows), 1), source(static_cast<std::size_t>(rows));
    std::iota(source.rbegin(), source.rend(), 0);
    target.front() = 0;
    target.back() = -1;
    source[5] = -1;
    twin from(rows, 5, small_integers(1)), to(3, 5, small_integers(2));
    require_ok(move_rows(*on.cuda, {from.f32(), source, target, true}, to.f32()));
    require_ok(move_rows(*on.reference, {from.f64(), source, target, true}, to.f64()));
    check_equal("to", to);
  }
}

// More lists than fit, each needed by the very next kernel.
BOOST_AUTO_TEST_CASE(lists_outgrow_their_memory) {
  const devices on;
  for (const std::int64_t rows : {1000, 300'000, 700'000, 1'200'000, 3'000'000, 1000}) {
    std::vector<float> factor(static_cast<std::size_t>(rows));
    for (std::size_t i = 0; i < factor.size(); ++i) factor[i] = static_cast<float>(i % 17);
    twin x(rows, 1, small_integers(1));
    require_ok(scale_rows(*on.cuda, factor, x.f32()));
    require_ok(scale_rows(*on.reference, factor, x.f64()));
    check_equal("x", x);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

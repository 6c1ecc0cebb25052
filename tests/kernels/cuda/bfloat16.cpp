// Operators over bfloat16 rows on CUDA beside the reference on the same numbers: a result is off by its own rounding to bfloat16 and what
// float32 leaves on the way.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "kernels/adamw.hpp"
#include "kernels/attention.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/linear.hpp"
#include "kernels/modal_gate.hpp"
#include "kernels/rows.hpp"
#include "kernels/transfer.hpp"
#include "tests/support/bf16_rows.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/dropped_rows.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tested_device.hpp"

namespace argosy {
namespace {

using namespace test;

struct devices {
  std::unique_ptr<device> cuda = make_tested_device(1, compute::bfloat16), reference = make_reference_device();
};

void compare_linear(std::int64_t n, std::int64_t i, std::int64_t o, bool to_float32, bool add) {
  const devices on;
  rows x(n, i, normals(1)), y(n, o, normals(2)), d_y(n, o, normals(3)), d_x(n, i, normals(4));
  twin exact_y(n, o, normals(2)), exact_d_y(n, o, normals(3));
  // Weights that bfloat16 holds, so that the reference multiplies the same factors.
  const auto coarse = [](std::uint32_t seed) { return [draw = small_integers(seed)](std::int64_t k) { return draw(k) / 8; }; };
  twin weight(o, i, coarse(5)), bias(1, o, coarse(6)), d_weight(o, i, normals(7)), d_bias(1, o, normals(8));
  const linear_input narrow{x.bf16(), weight.f32(), bias.f32()}, wide{x.f64(), weight.f64(), bias.f64()};
  require_ok(linear_forward(*on.cuda, narrow, to_float32 ? exact_y.f32() : y.bf16()));
  require_ok(linear_forward(*on.reference, wide, to_float32 ? exact_y.f64() : y.f64()));
  if (to_float32)
    check_near("y", exact_y, unit_roundoff * 64 * static_cast<double>(i));
  else
    y.check("y");
  const const_view d = to_float32 ? const_view(exact_d_y.f32()) : const_view(d_y.bf16());
  require_ok(linear_backward(*on.cuda, narrow, d, {d_x.bf16(), add, d_weight.f32(), d_bias.f32()}));
  require_ok(
      linear_backward(*on.reference, wide, to_float32 ? exact_d_y.f64() : d_y.f64(), {d_x.f64(), add, d_weight.f64(), d_bias.f64()}));
  // A float32 d_y is rounded before it is multiplied.
  d_x.check("d_x", to_float32 ? 4 : 1.5);
  const double summed = static_cast<double>(n) * 16;
  check_near("d_weight", d_weight, (to_float32 ? bf16_roundoff : unit_roundoff * 16) * summed);
  check_near("d_bias", d_bias, unit_roundoff * 16 * summed);
}

void compare_attention(const std::vector<std::int32_t>& queries, const std::vector<std::int32_t>& keys, int heads, std::int64_t width,
                       std::int64_t gap = 0, attention_by whose = attention_by::argosy) {
  const devices on{make_tested_device(1, compute::bfloat16, whose)};
  std::vector<std::int32_t> q_offset{0}, kv_offset{0};
  for (const auto count : queries) q_offset.push_back(q_offset.back() + count);
  for (const auto count : keys) kv_offset.push_back(kv_offset.back() + count);
  const std::int64_t n = q_offset.back(), m = kv_offset.back(), cols = heads * width;
  rows q(n, cols, normals(1), gap), k(m, cols, normals(2), gap), v(m, cols, normals(3), gap), d_o(n, cols, normals(4)),
      o(n, cols, constant(9));
  rows d_q(n, cols, constant(9), gap), d_k(m, cols, constant(9), gap), d_v(m, cols, constant(9), gap);
  twin lse(n, heads, constant(9));
  const double scale = 1 / std::sqrt(static_cast<double>(width));
  const attention_input narrow{heads, scale, q.bf16(), k.bf16(), v.bf16(), q_offset, kv_offset};
  const attention_input wide{heads, scale, q.f64(), k.f64(), v.f64(), q_offset, kv_offset};
  const std::string name =
      std::to_string(queries.front()) + " x " + std::to_string(keys.front()) + ", heads of " + std::to_string(width) + ": ";
  require_ok(attention_forward(*on.cuda, narrow, o.bf16(), lse.f32()));
  require_ok(attention_forward(*on.reference, wide, o.f64(), lse.f64()));
  // Weights are rounded before they are multiplied with the values, and gradients of scores before they meet keys and queries.
  o.check(name + "o", 2);
  check_near(name + "lse", lse, unit_roundoff * 64 * static_cast<double>(width));
  require_ok(attention_backward(*on.cuda, narrow, o.bf16(), lse.f32(), d_o.bf16(), {d_q.bf16(), d_k.bf16(), d_v.bf16()}));
  require_ok(attention_backward(*on.reference, wide, o.f64(), lse.f64(), d_o.f64(), {d_q.f64(), d_k.f64(), d_v.f64()}));
  for (const auto& [what, d] : {std::pair{"d_q", &d_q}, {"d_k", &d_k}, {"d_v", &d_v}}) d->check(name + what, 4);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cuda_bfloat16)

BOOST_AUTO_TEST_CASE(rounding_is_to_the_nearest_and_even) {
  const devices on;
  const std::pair<float, int> cases[] = {{1.f, 0x3f80},           {-1.f, 0xbf80},      {0x1.01p0f, 0x3f80}, {0x1.03p0f, 0x3f82},
                                         {0x1.010002p0f, 0x3f81}, {HUGE_VALF, 0x7f80}, {3.4e38f, 0x7f80}};
  for (const auto& [from, to] : cases) {
    test::bf16 got{};
    require_ok(move_rows(*on.cuda, {view_of(&from, 1, 1), {}, {}, false}, {&got, dtype::bf16, 1, 1, 1}));
    BOOST_TEST(int{got.bits} == to, from);
  }
}

BOOST_AUTO_TEST_CASE(linear_maps) {
  for (const auto& [n, i, o] : {std::tuple{1, 8, 8}, {5, 16, 24}, {33, 7, 3}, {130, 24, 40}})
    for (const bool to_float32 : {false, true})
      for (const bool add : {false, true}) compare_linear(n, i, o, to_float32, add);
}

// Parameters from the device's own memory are rounded once: an upload and AdamW renew the copy.
BOOST_AUTO_TEST_CASE(copies_of_weights_follow_their_parameters) {
  const devices on;
  auto parameter = tensor::make(*on.cuda, 1, 64).value(), gradient = tensor::make(*on.cuda, 1, 64).value();
  auto first = tensor::make(*on.cuda, 1, 64).value(), second = tensor::make(*on.cuda, 1, 64).value();
  const view weight{parameter.all().data, dtype::f32, 8, 8, 8};
  rows x(3, 8, small_integers(1)), y(3, 8, constant(0));
  const auto check_product = [&] {
    const auto now = numbers_of(*on.cuda, weight).value();
    twin same(8, 8, [&](std::int64_t k) {
      return static_cast<double>(number_of(bf16_of(static_cast<float>(now[static_cast<std::size_t>(k)]))));
    });
    require_ok(linear_forward(*on.cuda, {x.bf16(), weight, {}}, y.bf16()));
    require_ok(linear_forward(*on.reference, {x.f64(), same.f64(), {}}, y.f64()));
    y.check("y");
  };
  for (const double value : {1., 3.}) {
    require_ok(upload(*on.cuda, std::vector<double>(64, value), parameter));
    check_product();
  }
  require_ok(upload(*on.cuda, std::vector<double>(64, 1), gradient));
  require_ok(adamw(*on.cuda, {.rate = .5}, gradient, parameter, first, second));
  check_product();
}

BOOST_AUTO_TEST_CASE(layer_norm_and_its_gradients) {
  const devices on;
  for (const std::int64_t cols : {8, 33, 256, 264, 768, 1024})
    for (const std::int64_t gap : {0, 8, 3}) {
      rows x(9, cols, normals(1), gap), r(9, cols, normals(2), gap), y(9, cols, constant(9), gap), normalised(9, cols, constant(9)),
          d(9, cols, normals(3), gap);
      twin gain(1, cols, normals(4)), bias(1, cols, normals(5)), rstd(1, 9, constant(9)), d_gain(1, cols, normals(6)),
          d_bias(1, cols, normals(7));
      const layer_norm_input narrow{x.bf16(), r.bf16(), gain.f32(), bias.f32(), 1e-5}, wide{x.f64(), r.f64(), gain.f64(), bias.f64(), 1e-5};
      require_ok(layer_norm_forward(*on.cuda, narrow, y.bf16(), {normalised.bf16(), rstd.f32()}));
      require_ok(layer_norm_forward(*on.reference, wide, y.f64(), {normalised.f64(), rstd.f64()}));
      y.check("y");
      normalised.check("normalised");
      require_ok(layer_norm_backward(*on.cuda, narrow, {normalised.bf16(), rstd.f32()}, d.bf16(), {d.bf16(), d_gain.f32(), d_bias.f32()}));
      require_ok(layer_norm_backward(*on.reference, wide, {normalised.f64(), rstd.f64()}, d.f64(), {d.f64(), d_gain.f64(), d_bias.f64()}));
      d.check("d_x", 2);
      check_near("d_gain", d_gain, bf16_roundoff * 9 * 4);
      check_near("d_bias", d_bias, unit_roundoff * 200);
    }
}

BOOST_AUTO_TEST_CASE(layer_norm_after_dropout) {
  const devices on;
  const dropped_rows draws(9);
  for (const std::int64_t cols : {8, 33, 256, 768})
    for (const std::int64_t gap : {0, 3}) {
      rows x(9, cols, normals(1), gap), r(9, cols, normals(2), gap), y(9, cols, constant(9), gap), normalised(9, cols, constant(9)),
          d(9, cols, normals(3), gap), d_x(9, cols, constant(9), gap);
      twin gain(1, cols, normals(4)), bias(1, cols, normals(5)), rstd(1, 9, constant(9)), d_gain(1, cols, normals(6)),
          d_bias(1, cols, normals(7));
      const layer_norm_input narrow{x.bf16(), r.bf16(), gain.f32(), bias.f32(), 1e-5, draws.at(.3)};
      const layer_norm_input wide{x.f64(), r.f64(), gain.f64(), bias.f64(), 1e-5, draws.at(.3)};
      require_ok(layer_norm_forward(*on.cuda, narrow, y.bf16(), {normalised.bf16(), rstd.f32()}));
      require_ok(layer_norm_forward(*on.reference, wide, y.f64(), {normalised.f64(), rstd.f64()}));
      y.check("y");
      normalised.check("normalised");
      require_ok(layer_norm_backward(*on.cuda, narrow, {normalised.bf16(), rstd.f32()}, d.bf16(),
                                     {d_x.bf16(), d_gain.f32(), d_bias.f32(), d.bf16()}));
      require_ok(layer_norm_backward(*on.reference, wide, {normalised.f64(), rstd.f64()}, d.f64(),
                                     {d_x.f64(), d_gain.f64(), d_bias.f64(), d.f64()}));
      d.check("d_residual", 2);
      d_x.check("d_x", 2 / .7);
    }
}

// Heads of 32 and 64 numbers and sequences of up to 64 rows are the tensor cores'; the others are not.
BOOST_AUTO_TEST_CASE(attention_and_its_gradients) {
  compare_attention({5, 0, 33, 2}, {5, 0, 33, 2}, 3, 16);
  for (const std::int64_t width : {32, 64})
    for (const std::int32_t length : {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65})
      compare_attention({length, 3, 1}, {length, 3, 1}, 2, width);
}

BOOST_AUTO_TEST_CASE(attention_from_one_packing_to_another) {
  compare_attention({1, 1, 1, 0, 1}, {17, 0, 3, 4, 64}, 2, 64);
  compare_attention({40, 2, 0}, {3, 20, 5}, 1, 32);
}

// Slices of one matrix, as the encoders have them; and rows that do not begin at 16 bytes.
BOOST_AUTO_TEST_CASE(attention_of_slices) {
  compare_attention({17, 6}, {17, 6}, 2, 64, 128);
  compare_attention({17, 6}, {17, 6}, 2, 64, 3);
}

// cuDNN's takes heads of up to 128 numbers, slices and several packings; what it does not take goes the way of ours.
BOOST_AUTO_TEST_CASE(cudnns_attention_and_its_gradients) {
  const auto compare = [](const std::vector<std::int32_t>& queries, const std::vector<std::int32_t>& keys, int heads, std::int64_t width,
                          std::int64_t gap) { compare_attention(queries, keys, heads, width, gap, attention_by::cudnn); };
  for (const std::int64_t width : {16, 32, 64, 128})
    for (const std::int32_t length : {1, 17, 63, 64, 65, 130}) compare({length, 3, 0, 1}, {length, 3, 0, 1}, 2, width, 0);
  compare({17, 6}, {17, 6}, 2, 64, 128);
  compare({17, 6}, {17, 6}, 2, 64, 3);
  compare({1, 1, 1, 70}, {17, 3, 4, 64}, 2, 64, 0);
  compare({1, 1, 1, 0, 1}, {17, 0, 3, 4, 64}, 2, 64, 0);
}

BOOST_AUTO_TEST_CASE(elementwise_operators) {
  const devices on;
  for (const std::int64_t cols : {7, 8, 64, 129}) {
    rows x(133, cols, normals(1)), y(133, cols, normals(2)), d(133, cols, normals(3)), dropped(133, cols, normals(4)),
        of_bytes(2, cols, constant(9));
    twin bias(1, cols, normals(5)), d_bias(1, cols, normals(6));
    require_ok(bias_gelu_forward(*on.cuda, x.bf16(), bias.f32(), y.bf16()));
    require_ok(bias_gelu_forward(*on.reference, x.f64(), bias.f64(), y.f64()));
    y.check("gelu");
    require_ok(bias_gelu_backward(*on.cuda, x.bf16(), bias.f32(), d.bf16(), d.bf16(), d_bias.f32()));
    require_ok(bias_gelu_backward(*on.reference, x.f64(), bias.f64(), d.f64(), d.f64(), d_bias.f64()));
    d.check("d_gelu");
    check_near("d_bias", d_bias, unit_roundoff * 133 * 8);
    require_ok(add(*on.cuda, x.bf16(), y.bf16()));
    require_ok(add(*on.reference, x.f64(), y.f64()));
    y.check("sum", 2);
    const std::vector<float> factor(133, .5f);
    require_ok(scale_rows(*on.cuda, factor, x.bf16()));
    require_ok(scale_rows(*on.reference, factor, x.f64()));
    x.check("scaled", 0);
    std::vector<std::uint32_t> pair(133, 3);
    std::vector<std::int32_t> position(133);
    for (std::size_t i = 0; i < position.size(); ++i) position[i] = static_cast<std::int32_t>(i);
    const dropout_input how{{.seed = 1, .step = 2, .site = 16}, .3, pair, position};
    require_ok(dropout(*on.cuda, how, dropped.bf16()));
    require_ok(dropout(*on.reference, how, dropped.f64()));
    dropped.check("dropped");
    const std::vector<std::uint8_t> bytes(static_cast<std::size_t>(2 * cols), 77);
    require_ok(from_bytes(*on.cuda, bytes, 1. / 64, -2, of_bytes.bf16()));
    require_ok(from_bytes(*on.reference, bytes, 1. / 64, -2, of_bytes.f64()));
    of_bytes.check("of bytes", 0);
  }
}

BOOST_AUTO_TEST_CASE(rows_between_tables_and_packings) {
  const devices on;
  const std::vector<std::int32_t> source{2, -1, 0, 2}, unique{3, 0, 1, 2}, repeated{1, 1, 0, 1};
  for (const std::int64_t cols : {8, 9, 64}) {
    twin table(3, cols, normals(1)), gradient(2, cols, normals(2));
    rows x(4, cols, normals(3));
    for (const bool more : {false, true}) {
      require_ok(move_rows(*on.cuda, {table.f32(), source, unique, more}, x.bf16()));
      require_ok(move_rows(*on.reference, {table.f64(), source, unique, more}, x.f64()));
      x.check("from a table", 2);
    }
    require_ok(move_rows(*on.cuda, {x.bf16(), {}, repeated, true}, gradient.f32()));
    require_ok(move_rows(*on.reference, {x.f64(), {}, repeated, true}, gradient.f64()));
    check_near("to a table", gradient, bf16_roundoff * 40);
    check_refused(move_rows(*on.cuda, {table.f32(), source, repeated, true}, x.bf16()), errc::invalid_argument, {"float32"});
  }
}

BOOST_AUTO_TEST_CASE(gate) {
  const devices on;
  const std::vector<modality> present{modality::both, modality::title_only, modality::image_only, modality::both};
  rows title(4, 24, normals(1)), image(4, 24, normals(2)), product(4, 24, constant(9)), d(4, 24, normals(3)), d_title(4, 24, constant(9)),
      d_image(4, 24, constant(9));
  twin logits(4, 2, normals(4)), weight(4, 2, constant(9)), d_logits(4, 2, constant(9));
  const modal_gate_input narrow{title.bf16(), image.bf16(), logits.f32(), present}, wide{title.f64(), image.f64(), logits.f64(), present};
  require_ok(modal_gate_forward(*on.cuda, narrow, product.bf16(), weight.f32()));
  require_ok(modal_gate_forward(*on.reference, wide, product.f64(), weight.f64()));
  product.check("product");
  require_ok(modal_gate_backward(*on.cuda, narrow, weight.f32(), d.bf16(), {d_title.bf16(), d_image.bf16(), d_logits.f32()}));
  require_ok(modal_gate_backward(*on.reference, wide, weight.f64(), d.f64(), {d_title.f64(), d_image.f64(), d_logits.f64()}));
  d_title.check("d_title");
  d_image.check("d_image");
  check_near("d_logits", d_logits, unit_roundoff * 400);
}

BOOST_AUTO_TEST_CASE(rows_of_two_types_are_refused) {
  const devices on;
  rows x(2, 8, normals(1));
  twin y(2, 8, normals(2)), bias(1, 8, normals(3));
  check_refused(bias_gelu_forward(*on.cuda, x.bf16(), bias.f32(), y.f32()), errc::shape_mismatch, {"y", "bf16", "f32"});
  check_refused(bias_gelu_forward(*make_tested_device(1), x.bf16(), bias.f32(), x.bf16()), errc::shape_mismatch, {"x", "f32", "bf16"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

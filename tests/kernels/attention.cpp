// Attention beside the reference: lengths around the register blocks, the block of 32 queries and none at all.
#include "kernels/attention.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "tests/support/compare.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tested_device.hpp"

namespace argosy {
namespace {

using namespace test;

using lengths = std::vector<std::int32_t>;

struct attention_case {
  int heads;
  std::int64_t head_dim;
  lengths queries, keys;
  std::int64_t gap = 0;
};

lengths offsets_of(const lengths& counts) {
  lengths offset{0};
  for (const auto count : counts) offset.push_back(offset.back() + count);
  return offset;
}

std::string text_of(const attention_case& c) {
  return std::to_string(c.heads) + " heads of " + std::to_string(c.head_dim) + ", " + std::to_string(c.queries.front()) + " x " +
         std::to_string(c.keys.front()) + " first: ";
}

// Weights sum to 1, so an output is off by the rounding of a mean of Tk values and by the error of a weight: a logit of D products.
double tolerance_of(const attention_case& c, double values) {
  std::int64_t most = 1;
  for (std::size_t b = 0; b < c.keys.size(); ++b) most = std::max<std::int64_t>({most, c.keys[b], c.queries[b]});
  return unit_roundoff * static_cast<double>(4 * c.head_dim + 2 * most + 16) * values;
}

void compare(const attention_case& c) {
  const auto device = make_tested_device(2);
  const auto reference = make_reference_device();
  const lengths q_offset = offsets_of(c.queries), kv_offset = offsets_of(c.keys);
  const std::int64_t n = q_offset.back(), m = kv_offset.back(), width = c.heads * c.head_dim;
  twin q(n, width, normals(1), c.gap), k(m, width, normals(2), c.gap), v(m, width, normals(3), c.gap), d_o(n, width, normals(4), c.gap);
  twin o(n, width, constant(9), c.gap), lse(n, c.heads, constant(9));
  twin d_q(n, width, constant(9), c.gap), d_k(m, width, constant(9), c.gap), d_v(m, width, constant(9), c.gap);
  const double scale = 1 / std::sqrt(static_cast<double>(c.head_dim));
  const attention_input on_cpu{c.heads, scale, q.f32(), k.f32(), v.f32(), q_offset, kv_offset};
  const attention_input on_reference{c.heads, scale, q.f64(), k.f64(), v.f64(), q_offset, kv_offset};

  require_ok(attention_forward(*device, on_cpu, o.f32(), lse.f32()));
  require_ok(attention_forward(*reference, on_reference, o.f64(), lse.f64()));
  const std::string name = text_of(c);
  check_near(name + "o", o, tolerance_of(c, v.largest_value()));
  check_near(name + "lse", lse, tolerance_of(c, 2));

  require_ok(attention_backward(*device, on_cpu, o.f32(), lse.f32(), d_o.f32(), {d_q.f32(), d_k.f32(), d_v.f32()}));
  require_ok(attention_backward(*reference, on_reference, o.f64(), lse.f64(), d_o.f64(), {d_q.f64(), d_k.f64(), d_v.f64()}));
  // dS is a difference of dP and its mean, each a sum of D products: one more factor of the largest |dP|.
  const double d_p = v.largest_value() * d_o.largest_value() * std::sqrt(static_cast<double>(c.head_dim));
  check_near(name + "d_q", d_q, tolerance_of(c, d_p * k.largest_value()));
  check_near(name + "d_k", d_k, tolerance_of(c, d_p * q.largest_value()));
  check_near(name + "d_v", d_v, tolerance_of(c, d_o.largest_value()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(attention)

BOOST_AUTO_TEST_CASE(lengths_around_every_block) {
  for (const std::int32_t t : {1, 2, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 67}) compare({2, 32, {t, 3}, {t, 3}});
}

BOOST_AUTO_TEST_CASE(widths_around_the_register) {
  for (const std::int64_t d : {1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 48, 64}) compare({3, d, {5, 17}, {5, 17}});
}

BOOST_AUTO_TEST_CASE(from_one_packing_to_another) {
  compare({4, 16, {1, 1, 1, 1}, {17, 1, 9, 33}});
  compare({2, 8, {40, 2}, {3, 50}});
}

BOOST_AUTO_TEST_CASE(sequences_without_keys_or_queries) {
  compare({2, 8, {3, 2, 1}, {0, 4, 0}});
  compare({2, 8, {0, 2, 0}, {5, 4, 3}});
}

BOOST_AUTO_TEST_CASE(rows_with_gaps) { compare({2, 24, {4, 9}, {4, 9}, 24}); }

// Weights of one key are 1 whatever the logits: integers come through exactly.
BOOST_AUTO_TEST_CASE(one_key_copies_its_value) {
  const auto device = make_tested_device(1);
  const lengths q_offset{0, 3, 5}, kv_offset{0, 1, 2};
  twin q(5, 20, normals(1)), k(2, 20, normals(2)), v(2, 20, small_integers(3)), o(5, 20, constant(0)), no_lse(0, 0, constant(0));
  require_ok(attention_forward(*device, {2, .5, q.f32(), k.f32(), v.f32(), q_offset, kv_offset}, o.f32(), {}));
  for (std::int64_t n = 0; n < 5; ++n)
    for (std::int64_t c = 0; c < 20; ++c) BOOST_TEST(o.f32().row<float>(n)[c] == v.f32().row<float>(n < 3 ? 0 : 1)[c]);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

// The matching loss beside the reference: tiles of 256 queries and 1,024 columns (CPU), 1,024 and 4,096 (CUDA) on both sides of their edges, masks in every place.
#include "kernels/qpm_loss.hpp"

#include <boost/test/unit_test.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "tests/support/compare.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tested_device.hpp"

namespace argosy {
namespace {

using namespace test;

// Queries, products, rows of the bank, width; ids repeat so that some products and rows of the bank are masked.
struct loss_case {
  std::int64_t queries, products, bank, width;
  double scale = 10;
  std::int64_t distinct_ids = 50;
  std::int64_t gap = 0;
  bool trained = false;  // the scale
  double scale_limit = 1000;
};

struct ids {
  std::vector<std::int64_t> product, bank, known;
  std::vector<std::int32_t> own, known_offset{0};
};

ids ids_of(const loss_case& c) {
  const auto draw = [](std::uint32_t pair, std::int64_t i, std::int64_t below) {
    return static_cast<std::int64_t>(random_bits({.seed = 11}, pair, static_cast<std::uint32_t>(i))) % below;
  };
  ids made;
  for (std::int64_t i = 0; i < c.products; ++i) made.product.push_back(draw(1, i, c.distinct_ids) * 1'000'003 - 7);
  for (std::int64_t i = 0; i < c.bank; ++i) made.bank.push_back(draw(2, i, c.distinct_ids) * 1'000'003 - 7);
  for (std::int64_t b = 0; b < c.queries; ++b) {
    made.own.push_back(static_cast<std::int32_t>((b + 1) % c.products));
    for (std::int64_t k = 0; k < b % 4; ++k) made.known.push_back(draw(3, 4 * b + k, c.distinct_ids + 3) * 1'000'003 - 7);
    made.known_offset.push_back(static_cast<std::int32_t>(made.known.size()));
  }
  return made;
}

std::string text_of(const loss_case& c) {
  return std::to_string(c.queries) + " queries, " + std::to_string(c.products) + " products, bank of " + std::to_string(c.bank) + ": ";
}

void compare(const loss_case& c) {
  const auto device = make_tested_device(2);
  const auto reference = make_reference_device();
  const ids of = ids_of(c);
  const double sigma = 1 / std::sqrt(static_cast<double>(c.width));
  twin query(c.queries, c.width, normals(1, sigma), c.gap), product(c.products, c.width, normals(2, sigma), c.gap);
  twin bank(c.bank, c.width, normals(3, sigma), c.gap);
  twin product_log_p(1, c.products, normals(4)), bank_log_p(1, c.bank, normals(5));
  twin loss(1, c.queries, constant(9)), lse(1, c.queries, constant(9));
  twin share_product(1, c.queries, constant(9)), share_bank(1, c.queries, constant(9));
  std::vector<std::int32_t> count_product(of.own.size()), count_bank(of.own.size()), want_product(of.own.size()), want_bank(of.own.size());
  twin log_scale(1, 1, constant(std::log(c.scale)));
  qpm_input on_cpu{.query = query.f32(),
                   .product = product.f32(),
                   .bank = bank.f32(),
                   .scale = c.scale,
                   .product_id = of.product,
                   .bank_id = of.bank,
                   .product_log_p = product_log_p.f32(),
                   .bank_log_p = bank_log_p.f32(),
                   .own = of.own,
                   .known_offset = of.known_offset,
                   .known_product = of.known};
  qpm_input on_reference{.query = query.f64(),
                         .product = product.f64(),
                         .bank = bank.f64(),
                         .scale = c.scale,
                         .product_id = of.product,
                         .bank_id = of.bank,
                         .product_log_p = product_log_p.f64(),
                         .bank_log_p = bank_log_p.f64(),
                         .own = of.own,
                         .known_offset = of.known_offset,
                         .known_product = of.known};
  if (c.trained) {
    on_cpu.scale = on_reference.scale = 1;
    on_cpu.log_scale = log_scale.f32();
    on_reference.log_scale = log_scale.f64();
    on_cpu.scale_limit = on_reference.scale_limit = c.scale_limit;
  }
  const qpm_output out{loss.f32(), lse.f32(), share_product.f32(), share_bank.f32(), count_product, count_bank};
  const qpm_output want{loss.f64(), lse.f64(), share_product.f64(), share_bank.f64(), want_product, want_bank};
  require_ok(qpm_forward(*device, on_cpu, out));
  require_ok(qpm_forward(*reference, on_reference, want));

  // A logit is scale times a sum of D products of unit vectors (at most 2 long here), and a sum of M + K exponentials of it.
  const double columns = static_cast<double>(c.products + c.bank);
  const double logit = unit_roundoff * (c.scale * static_cast<double>(c.width) * 4 + 4 * (c.scale * 2 + 8));
  const double relative = logit + unit_roundoff * (std::sqrt(columns) + 8);
  const std::string name = text_of(c);
  check_near(name + "lse", lse, relative + unit_roundoff * lse.largest_value());
  check_near(name + "loss", loss, 2 * relative + unit_roundoff * loss.largest_value());
  check_near(name + "share of products", share_product, 2 * relative);
  check_near(name + "share of the bank", share_bank, 2 * relative);
  BOOST_TEST(count_product == want_product, boost::test_tools::per_element());
  BOOST_TEST(count_bank == want_bank, boost::test_tools::per_element());

  twin d_query(c.queries, c.width, constant(9), c.gap), d_product(c.products, c.width, constant(9), c.gap);
  twin d_log_scale(1, 1, constant(9)), d_log_scale_weighted(1, 1, constant(9));
  require_ok(qpm_backward(*device, on_cpu, out, .5, {d_query.f32(), d_product.f32(), d_log_scale.f32()}));
  require_ok(qpm_backward(*reference, on_reference, want, .5, {d_query.f64(), d_product.f64(), d_log_scale.f64()}));
  const double whole = c.scale * product.largest_value();  // a row of softmax minus one sums to 2 in absolute value
  check_near(name + "d_query", d_query, (4 * relative + unit_roundoff * std::sqrt(columns)) * whole);
  check_near(name + "d_product", d_product,
             (4 * relative + unit_roundoff * static_cast<double>(c.queries)) * whole *
                 std::max(1., static_cast<double>(c.queries) / static_cast<double>(c.products)));
  const double sum_rounds = unit_roundoff * (9 + d_log_scale.largest_value());
  check_near(name + "d_log_scale", d_log_scale, 4 * relative * c.scale * static_cast<double>(c.queries) + sum_rounds);

  std::vector<float> weight;
  for (std::int64_t b = 0; b < c.queries; ++b) weight.push_back(static_cast<float>(b % 3));
  qpm_input weighted = on_cpu, weighted_reference = on_reference;
  weighted.row_weight = weighted_reference.row_weight = weight;
  twin d_log_p(1, c.products, constant(9));
  require_ok(qpm_backward(*device, weighted, out, .5, {d_query.f32(), {}, d_log_scale_weighted.f32(), d_log_p.f32()}));
  require_ok(qpm_backward(*reference, weighted_reference, want, .5, {d_query.f64(), {}, d_log_scale_weighted.f64(), d_log_p.f64()}));
  check_near(name + "weighted d_query", d_query, 2 * (4 * relative + unit_roundoff * std::sqrt(columns)) * whole);
  check_near(name + "d_log_p", d_log_p,
             2 * (4 * relative + unit_roundoff * static_cast<double>(c.queries)) *
                 std::max(1., static_cast<double>(c.queries) / static_cast<double>(c.products)));
  check_near(name + "weighted d_log_scale", d_log_scale_weighted, 8 * relative * c.scale * static_cast<double>(c.queries) + 2 * sum_rounds);

  std::vector<std::uint32_t> pair(of.own.size());
  std::iota(pair.begin(), pair.end(), 5u);
  std::vector<std::int32_t> drawn(of.own.size()), want_drawn(of.own.size());
  const qpm_draws draws{.key = {.seed = 3, .step = 1, .site = 8}, .pair = pair, .first_column = 77};
  require_ok(qpm_draw(*device, on_cpu, draws, drawn));
  require_ok(qpm_draw(*reference, on_reference, draws, want_drawn));
  BOOST_TEST(drawn == want_drawn, boost::test_tools::per_element());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(qpm_loss)

BOOST_AUTO_TEST_CASE(few_of_everything) {
  compare({1, 1, 0, 1});
  compare({1, 1, 3, 5});
  compare({3, 2, 0, 7});
  compare({7, 9, 17, 33});
}

BOOST_AUTO_TEST_CASE(tiles_of_queries) {
  for (const std::int64_t queries : {255, 256, 257}) compare({queries, 40, 9, 8});
}

BOOST_AUTO_TEST_CASE(tiles_of_columns) {
  for (const std::int64_t columns : {1023, 1024, 1025}) {
    compare({5, columns, 0, 8});
    compare({5, 17, columns, 8});
  }
}

// Larger and larger logits are met on the way, in either source.
BOOST_AUTO_TEST_CASE(many_tiles_at_a_sharp_scale) {
  compare({30, 17, 4000, 16, 60});
  compare({30, 4000, 17, 16, 60});
}

BOOST_AUTO_TEST_CASE(every_negative_masked) { compare({6, 6, 12, 16, 10, 1}); }

BOOST_AUTO_TEST_CASE(no_two_ids_alike) { compare({20, 20, 200, 16, 10, 1'000'000'000}); }

BOOST_AUTO_TEST_CASE(scales_from_flat_to_sharp) {
  for (const double scale : {1e-3, 1., 100.}) compare({20, 30, 40, 64, scale});
}

BOOST_AUTO_TEST_CASE(trained_scales_below_and_beyond_their_limit) {
  compare({.queries = 20, .products = 30, .bank = 40, .width = 64, .scale = 10, .trained = true});
  compare({.queries = 20, .products = 30, .bank = 40, .width = 64, .scale = 10, .trained = true, .scale_limit = 5});
}

// The share of a column among many draws is its softmax: within 4 deviations.
BOOST_AUTO_TEST_CASE(draws_follow_the_softmax) {
  const auto device = make_tested_device(2);
  constexpr std::int64_t rows = 20'000;
  const std::vector<float> query(rows, 1);
  const float product[] = {5, 0, 1, 2};  // the first is the query's own
  const float log_p[] = {0, 0, 0, 1};
  const std::vector<std::int64_t> id{1, 2, 3, 4};
  const std::vector<std::int32_t> own(rows, 0), known(rows + 1, 0);
  std::vector<std::uint32_t> pair(rows);
  std::iota(pair.begin(), pair.end(), 0u);
  std::vector<std::int32_t> drawn(rows);
  qpm_input in;
  in.query = view_of(query.data(), rows, 1);
  in.product = view_of(product, 4, 1);
  in.product_id = id;
  in.product_log_p = view_of(log_p, 1, 4);
  in.own = own;
  in.known_offset = known;
  require_ok(qpm_draw(*device, in, {{.seed = 1, .step = 2, .site = 8}, pair, 0}, drawn));
  const double mass = 1 + 2 * std::exp(1.);
  for (const auto& [column, weight] : {std::pair{0, 0.}, {1, 1.}, {2, std::exp(1.)}, {3, std::exp(1.)}}) {
    const double share = static_cast<double>(std::ranges::count(drawn, column)) / static_cast<double>(rows), want = weight / mass;
    BOOST_TEST(std::abs(share - want) <= 4 * std::sqrt(want * (1 - want) / static_cast<double>(rows)), column << ": " << share);
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_drawn_when_all_is_masked) {
  const auto device = make_tested_device(1);
  const float one[] = {1, 1};
  const std::vector<std::int64_t> id{1, 1};
  const std::vector<std::int32_t> own{1}, known{0, 0};
  const std::vector<std::uint32_t> pair{0};
  std::vector<std::int32_t> drawn{9};
  qpm_input in;
  in.query = view_of(one, 1, 1);
  in.product = view_of(one, 2, 1);
  in.product_id = id;
  in.product_log_p = view_of(one, 1, 2);
  in.own = own;
  in.known_offset = known;
  require_ok(qpm_draw(*device, in, {{}, pair, 0}, drawn));
  BOOST_TEST(drawn[0] == -1);
}

BOOST_AUTO_TEST_CASE(rows_with_gaps) { compare({9, 11, 13, 20, 10, 50, 12}); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

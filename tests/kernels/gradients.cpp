// Oracle 11: every backward of the reference device against central differences in float64; and oracles 1 and 2 of the loss.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "kernels/attention.hpp"
#include "kernels/classify.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/linear.hpp"
#include "kernels/modal_gate.hpp"
#include "kernels/normalise.hpp"
#include "kernels/qpm_loss.hpp"
#include "kernels/rows.hpp"
#include "tests/support/dropped_rows.hpp"
#include "tests/support/status.hpp"

namespace {

using namespace argosy;
using test::require_ok;

struct matrix {
  matrix(std::int64_t r, std::int64_t c, std::uint32_t seed) : rows(r), cols(c), values(static_cast<std::size_t>(r * c)) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = random_normal({seed, 0, 0}, 0, static_cast<std::uint32_t>(i));
  }
  matrix(std::int64_t r, std::int64_t c) : rows(r), cols(c), values(static_cast<std::size_t>(r * c)) {}
  operator view() { return view_of(values.data(), rows, cols); }
  operator const_view() const { return view_of(values.data(), rows, cols); }
  std::int64_t rows, cols;
  std::vector<double> values;
};

double dot(const matrix& a, const matrix& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) sum += a.values[i] * b.values[i];
  return sum;
}

// loss(): a number that depends on `input`, whose gradient is `gradient`. Compared element by element, against the gradient's norm:
// truncation is of order h^2, rounding of order 1e-16 / h.
void differences_agree(const char* what, matrix& input, const matrix& gradient, const std::function<double()>& loss) {
  constexpr double h = 1e-5;
  double apart = 0, norm = 0;
  for (std::size_t i = 0; i < input.values.size(); ++i) {
    const double kept = input.values[i];
    input.values[i] = kept + h;
    const double above = loss();
    input.values[i] = kept - h;
    const double below = loss();
    input.values[i] = kept;
    const double slope = (above - below) / (2 * h);
    apart += (slope - gradient.values[i]) * (slope - gradient.values[i]);
    norm += gradient.values[i] * gradient.values[i];
  }
  BOOST_TEST(std::sqrt(apart) <= 1e-7 * std::sqrt(norm) + 1e-8,
             what << ": differences are " << std::sqrt(apart) << " from a gradient of norm " << std::sqrt(norm));
  BOOST_TEST(norm > 0, what << ": no gradient to compare");
}

struct fixture {
  std::unique_ptr<device> on = make_reference_device();
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(gradients, fixture)

BOOST_AUTO_TEST_CASE(linear_map) {
  matrix x(5, 3, 1), w(4, 3, 2), b(1, 4, 3), d_y(5, 4, 4), y(5, 4), d_x(5, 3), d_w(4, 3), d_b(1, 4);
  const auto loss = [&] {
    require_ok(linear_forward(*on, {x, w, b}, y));
    return dot(y, d_y);
  };
  require_ok(linear_backward(*on, {x, w, b}, d_y, {d_x, false, d_w, d_b}));
  differences_agree("x", x, d_x, loss);
  differences_agree("weight", w, d_w, loss);
  differences_agree("bias", b, d_b, loss);
  const auto once = d_w.values;
  require_ok(linear_backward(*on, {x, w, b}, d_y, {d_x, true, d_w, d_b}));
  for (std::size_t i = 0; i < once.size(); ++i)
    BOOST_TEST(d_w.values[i] == 2 * once[i], boost::test_tools::tolerance(1e-12));  // parameter gradients are added to
}

BOOST_AUTO_TEST_CASE(bias_and_gelu) {
  matrix x(4, 7, 1), bias(1, 7, 3), d_y(4, 7, 2), y(4, 7), d_x(4, 7), d_bias(1, 7);
  require_ok(bias_gelu_backward(*on, x, bias, d_y, d_x, d_bias));
  const auto loss = [&] {
    require_ok(bias_gelu_forward(*on, x, bias, y));
    return dot(y, d_y);
  };
  differences_agree("x", x, d_x, loss);
  differences_agree("bias", bias, d_bias, loss);
}

BOOST_AUTO_TEST_CASE(layer_norm_with_residual) {
  matrix x(4, 6, 1), residual(4, 6, 2), gain(1, 6, 3), bias(1, 6, 4), d_y(4, 6, 5), y(4, 6), normalised(4, 6), rstd(1, 4), d_x(4, 6),
      d_gain(1, 6), d_bias(1, 6);
  const auto loss = [&] {
    require_ok(layer_norm_forward(*on, {x, residual, gain, bias, 1e-12}, y, {normalised, rstd}));
    return dot(y, d_y);
  };
  loss();
  require_ok(layer_norm_backward(*on, {x, residual, gain, bias, 1e-12}, {normalised, rstd}, d_y, {d_x, d_gain, d_bias}));
  const auto d_z = d_x;
  differences_agree("x", x, d_z, loss);
  differences_agree("residual", residual, d_z, loss);
  differences_agree("gain", gain, d_gain, loss);
  differences_agree("bias", bias, d_bias, loss);
}

BOOST_AUTO_TEST_CASE(layer_norm_after_dropout) {
  matrix x(4, 6, 1), residual(4, 6, 2), gain(1, 6, 3), bias(1, 6, 4), d_y(4, 6, 5), y(4, 6), normalised(4, 6), rstd(1, 4), d_x(4, 6),
      d_gain(1, 6), d_bias(1, 6), d_residual(4, 6);
  const test::dropped_rows draws(4);
  const layer_norm_input in{x, residual, gain, bias, 1e-12, draws.at(.4)};
  const auto loss = [&] {
    require_ok(layer_norm_forward(*on, in, y, {normalised, rstd}));
    return dot(y, d_y);
  };
  loss();
  require_ok(layer_norm_backward(*on, in, {normalised, rstd}, d_y, {d_x, d_gain, d_bias, d_residual}));
  differences_agree("x", x, d_x, loss);
  differences_agree("residual", residual, d_residual, loss);
  BOOST_TEST(std::ranges::count(d_x.values, 0.) > 0);
}

BOOST_AUTO_TEST_CASE(attention_across_packings) {
  const std::vector<std::int32_t> q_offset{0, 3, 4, 6}, kv_offset{0, 2, 2, 7};  // the second sequence has no keys
  matrix q(6, 8, 1), k(7, 8, 2), v(7, 8, 3), d_o(6, 8, 4), o(6, 8), lse(6, 2), d_q(6, 8), d_k(7, 8), d_v(7, 8);
  const auto loss = [&] {
    require_ok(attention_forward(*on, {2, .5, q, k, v, q_offset, kv_offset}, o, lse));
    return dot(o, d_o);
  };
  loss();
  for (int c = 0; c < 8; ++c) BOOST_TEST(o.values[static_cast<std::size_t>(3 * 8 + c)] == 0.0);
  require_ok(attention_backward(*on, {2, .5, q, k, v, q_offset, kv_offset}, o, lse, d_o, {d_q, d_k, d_v}));
  differences_agree("q", q, d_q, loss);
  differences_agree("k", k, d_k, loss);
  differences_agree("v", v, d_v, loss);
}

BOOST_AUTO_TEST_CASE(normalisation) {
  matrix x(3, 5, 1), d_y(3, 5, 2), y(3, 5), norm(1, 3), d_x(3, 5);
  const auto loss = [&] {
    require_ok(normalise_forward(*on, x, y, norm));
    return dot(y, d_y);
  };
  loss();
  require_ok(normalise_backward(*on, y, norm, d_y, d_x));
  differences_agree("x", x, d_x, loss);
}

BOOST_AUTO_TEST_CASE(modal_gate) {
  const std::vector<modality> present{modality::both, modality::title_only, modality::image_only, modality::both};
  matrix title(4, 3, 1), image(4, 3, 2), logits(4, 2, 3), d_product(4, 3, 4), product(4, 3), gate(4, 2), d_title(4, 3), d_image(4, 3),
      d_logits(4, 2);
  const auto loss = [&] {
    require_ok(modal_gate_forward(*on, {title, image, logits, present}, product, gate));
    return dot(product, d_product);
  };
  loss();
  require_ok(modal_gate_backward(*on, {title, image, logits, present}, gate, d_product, {d_title, d_image, d_logits}));
  differences_agree("title", title, d_title, loss);
  differences_agree("image", image, d_image, loss);
  differences_agree("logits", logits, d_logits, loss);
  BOOST_TEST(gate.values[2] == 1.0);
  BOOST_TEST(gate.values[4] == 0.0);
}

BOOST_AUTO_TEST_CASE(rows_gathered_and_scattered_are_adjoint) {
  const std::vector<std::int32_t> index{2, -1, 0, 2};
  matrix table(3, 4, 1), d_y(4, 4, 2), y(4, 4), d_table(3, 4);
  require_ok(move_rows(*on, {d_y, {}, index, true}, d_table));
  differences_agree("table", table, d_table, [&] {
    require_ok(move_rows(*on, {table, index, {}, false}, y));
    return dot(y, d_y);
  });
}

struct matching : fixture {
  static constexpr std::int64_t queries = 4, products = 6, kept = 5, width = 3;
  matrix query{queries, width, 1}, product{products, width, 2}, bank{kept, width, 3}, log_p{1, products, 4}, bank_log_p{1, kept, 5};
  std::vector<std::int64_t> ids{10, 11, 12, 10, 13, 14}, bank_ids{20, 11, 21, 22, 13}, known{10, 20, 11, 12, 13, 10};
  std::vector<std::int32_t> own{0, 1, 2, 4}, known_offset{0, 2, 3, 4, 6}, negatives_product = std::vector<std::int32_t>(4),
                                                                          negatives_bank = std::vector<std::int32_t>(4);
  matrix loss{1, queries}, lse{1, queries}, share_product{1, queries}, share_bank{1, queries};
  double scale = 1.7;

  qpm_input input() {
    qpm_input in;
    in.query = query;
    in.product = product;
    in.bank = bank;
    in.scale = scale;
    in.weight_product = 2;
    in.weight_bank = .25;
    in.product_id = ids;
    in.bank_id = bank_ids;
    in.product_log_p = log_p;
    in.bank_log_p = bank_log_p;
    in.own = own;
    in.known_offset = known_offset;
    in.known_product = known;
    return in;
  }
  qpm_output output() { return {loss, lse, share_product, share_bank, negatives_product, negatives_bank}; }
  double sum() {
    require_ok(qpm_forward(*on, input(), output()));
    double all = 0;
    for (const double l : loss.values) all += l;
    return .3 * all;
  }
  double score(std::int64_t b, std::int64_t j, const matrix& columns, const matrix& p) const {
    double s = 0;
    for (std::int64_t c = 0; c < width; ++c)
      s += query.values[static_cast<std::size_t>(b * width + c)] * columns.values[static_cast<std::size_t>(j * width + c)];
    return scale * s - p.values[static_cast<std::size_t>(j)];
  }
};

BOOST_FIXTURE_TEST_CASE(the_loss, matching) {
  matrix d_query(queries, width), d_product(products, width), d_log_scale(1, 1);
  sum();
  require_ok(qpm_backward(*on, input(), output(), .3, {d_query, d_product, d_log_scale}));
  differences_agree("query", query, d_query, [&] { return sum(); });
  differences_agree("product", product, d_product, [&] { return sum(); });
  matrix at(1, 1);
  at.values[0] = std::log(scale);
  differences_agree("scale", at, d_log_scale, [&] {
    scale = std::exp(at.values[0]);
    return sum();
  });
}

BOOST_FIXTURE_TEST_CASE(a_trained_scale_is_the_same_as_a_given_one_up_to_its_limit, matching) {
  matrix log_scale(1, 1), given(1, 1), trained(1, 1), cut(1, 1);
  log_scale.values[0] = std::log(scale);
  sum();
  const auto losses = loss.values;
  require_ok(qpm_backward(*on, input(), output(), .3, {{}, {}, given}));
  auto in = input();
  in.scale = 3;
  in.log_scale = log_scale;
  require_ok(qpm_forward(*on, in, output()));
  require_ok(qpm_backward(*on, in, output(), .3, {{}, {}, trained}));
  require_ok(qpm_backward(*on, in, output(), .3, {{}, {}, trained}));
  for (std::size_t b = 0; b < losses.size(); ++b) BOOST_TEST(loss.values[b] == losses[b], boost::test_tools::tolerance(1e-12));
  BOOST_TEST(trained.values[0] == 2 * given.values[0], boost::test_tools::tolerance(1e-12));  // added to
  log_scale.values[0] = 5;
  in.scale_limit = scale;
  require_ok(qpm_forward(*on, in, output()));
  require_ok(qpm_backward(*on, in, output(), .3, {{}, {}, cut}));
  for (std::size_t b = 0; b < losses.size(); ++b) BOOST_TEST(loss.values[b] == losses[b], boost::test_tools::tolerance(1e-12));
  BOOST_TEST(cut.values[0] == 0);
}

BOOST_FIXTURE_TEST_CASE(the_loss_of_weighted_rows, matching) {
  const std::vector<float> weight{1, .5, 0, 2};
  const auto weighted = [&] {
    sum();
    double all = 0;
    for (std::size_t b = 0; b < weight.size(); ++b) all += .3 * static_cast<double>(weight[b]) * loss.values[b];
    return all;
  };
  matrix d_query(queries, width), d_log_p(1, products);
  weighted();
  auto in = input();
  in.row_weight = weight;
  require_ok(qpm_backward(*on, in, output(), .3, {d_query, {}, {}, d_log_p}));
  differences_agree("query", query, d_query, weighted);
  differences_agree("log_p", log_p, d_log_p, weighted);
}

BOOST_AUTO_TEST_CASE(features_of_pairs) {
  matrix q(4, 3, 1), p(4, 3, 2), y(4, 12), d_y(4, 12, 3), d_q(4, 3), d_p(4, 3);
  const auto loss = [&] {
    require_ok(pair_features_forward(*on, {q, p}, y));
    return dot(y, d_y);
  };
  require_ok(pair_features_backward(*on, {q, p}, d_y, d_q, d_p));
  differences_agree("query", q, d_q, loss);
  differences_agree("product", p, d_p, loss);
}

BOOST_AUTO_TEST_CASE(entropy_of_classes) {
  matrix logits(4, 3, 1), each(1, 4), d(4, 3), ignored(4, 3);
  const std::vector<std::int32_t> label{2, 0, 1, 1};
  const auto loss = [&] {
    require_ok(cross_entropy(*on, {logits, label}, 1, each, ignored));
    return .3 * std::accumulate(each.values.begin(), each.values.end(), 0.);
  };
  require_ok(cross_entropy(*on, {logits, label}, .3, each, d));
  differences_agree("logits", logits, d, loss);
}

BOOST_AUTO_TEST_CASE(divergence_of_distributions) {
  matrix target(4, 5, 1), predicted(4, 5, 2), each(1, 4), d(4, 5), ignored(4, 5);
  const auto loss = [&] {
    require_ok(divergence(*on, {target, predicted}, 1, each, ignored));
    return .3 * std::accumulate(each.values.begin(), each.values.end(), 0.);
  };
  require_ok(divergence(*on, {target, predicted}, .3, each, d));
  differences_agree("predicted", predicted, d, loss);
}

// Oracle 2: the weighted log-sum-exp, written out for the second query: products 12, 10, 13, 14 and again 10; in the bank 11 is its own.
BOOST_FIXTURE_TEST_CASE(the_weighted_sum_written_out, matching) {
  sum();
  double total = std::exp(score(1, 1, product, log_p));
  for (const std::int64_t j : {0, 2, 3, 4, 5}) total += 2 * std::exp(score(1, j, product, log_p));
  for (const std::int64_t j : {0, 2, 3, 4}) total += .25 * std::exp(score(1, j, bank, bank_log_p));
  BOOST_TEST(loss.values[1] == std::log(total) - score(1, 1, product, log_p), boost::test_tools::tolerance(1e-12));
  BOOST_TEST(negatives_product[1] == 5);
  BOOST_TEST(negatives_bank[1] == 4);
  // Query 0 owns product 10 in column 0; column 3 is the same product and bank row 0 a known positive.
  BOOST_TEST(negatives_product[0] == 4);
  BOOST_TEST(negatives_bank[0] == 4);
}

// Oracle 1: with w = 1, no bank, constant p and distinct products, eq. 3 is the cross-entropy of the batch.
BOOST_FIXTURE_TEST_CASE(without_a_bank_it_is_cross_entropy, matching) {
  ids = {1, 2, 3, 4, 5, 6};
  known_offset = {0, 0, 0, 0, 0};
  known.clear();
  log_p.values.assign(products, -3.5);
  auto in = input();
  in.bank = {};
  in.bank_id = {};
  in.bank_log_p = {};
  in.weight_product = 1;
  require_ok(qpm_forward(*on, in, output()));
  for (std::int64_t b = 0; b < queries; ++b) {
    double total = 0;
    for (std::int64_t j = 0; j < products; ++j) total += std::exp(score(b, j, product, log_p) - 3.5);
    const auto row = static_cast<std::size_t>(b);
    BOOST_TEST(loss.values[row] == std::log(total) - (score(b, own[row], product, log_p) - 3.5), boost::test_tools::tolerance(1e-12));
  }
}

BOOST_AUTO_TEST_SUITE_END()

#include "kernels/qpm_loss.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/reference/reference_device.hpp"

namespace argosy {
namespace {

double dot_rows(const_view a, std::int64_t i, const_view b, std::int64_t j) {
  double sum = 0;
  for (std::int64_t c = 0; c < a.cols; ++c) sum += a.row<double>(i)[c] * b.row<double>(j)[c];
  return sum;
}

// One term of the log-sum-exp of a query. Products are columns 0 .. M-1, the bank M .. M+K-1.
struct term {
  std::int64_t column;
  double similarity;  // u . v
  double score;       // scale * u.v - log p + ln w
  bool own;
};

std::vector<term> terms_of(const qpm_input& in, std::int64_t b) {
  const auto at = static_cast<std::size_t>(b);
  const auto known = in.known_product.subspan(static_cast<std::size_t>(in.known_offset[at]),
                                              static_cast<std::size_t>(in.known_offset[at + 1] - in.known_offset[at]));
  const auto own_id = in.product_id[static_cast<std::size_t>(in.own[at])];
  const auto masked = [&](std::int64_t id) { return id == own_id || std::ranges::find(known, id) != known.end(); };
  std::vector<term> terms;
  for (std::int64_t j = 0; j < in.product.rows; ++j) {
    const bool own = j == in.own[at];
    if (!own && masked(in.product_id[static_cast<std::size_t>(j)])) continue;
    const double similarity = dot_rows(in.query, b, in.product, j);
    terms.push_back(
        {j, similarity, in.scale * similarity - in.product_log_p.as<double>()[j] + (own ? 0 : std::log(in.weight_product)), own});
  }
  for (std::int64_t j = 0; j < in.bank.rows; ++j) {
    if (masked(in.bank_id[static_cast<std::size_t>(j)])) continue;
    const double similarity = dot_rows(in.query, b, in.bank, j);
    terms.push_back(
        {in.product.rows + j, similarity, in.scale * similarity - in.bank_log_p.as<double>()[j] + std::log(in.weight_bank), false});
  }
  return terms;
}

// The same with a scale that is a number.
qpm_input scaled(qpm_input in) {
  if (!in.log_scale.empty()) in.scale = std::min(std::exp(*in.log_scale.as<double>()), in.scale_limit);
  return in;
}

bool limit_cuts(const qpm_input& in) { return !in.log_scale.empty() && std::exp(*in.log_scale.as<double>()) >= in.scale_limit; }

}  // namespace

status reference_device::qpm_forward(const qpm_input& given, const qpm_output& out) {
  const qpm_input in = scaled(given);
  for (std::int64_t b = 0; b < in.query.rows; ++b) {
    const auto terms = terms_of(in, b);
    double largest = terms.front().score, sum = 0, own = 0;
    for (const auto& t : terms) largest = std::max(largest, t.score);
    for (const auto& t : terms) sum += std::exp(t.score - largest);
    double share[2] = {0, 0};
    std::int32_t negatives[2] = {0, 0};
    for (const auto& t : terms) {
      if (t.own) {
        own = t.score;
        continue;
      }
      const int source = t.column < in.product.rows ? 0 : 1;
      share[source] += std::exp(t.score - largest) / sum;
      ++negatives[source];
    }
    const double lse = largest + std::log(sum);
    out.lse.as<double>()[b] = lse;
    out.loss.as<double>()[b] = lse - own;
    out.share_product.as<double>()[b] = share[0];
    out.share_bank.as<double>()[b] = share[1];
    out.negatives_product[static_cast<std::size_t>(b)] = negatives[0];
    out.negatives_bank[static_cast<std::size_t>(b)] = negatives[1];
  }
  return {};
}

// d loss / d score = softmax - [own]
status reference_device::qpm_backward(const qpm_input& given, const qpm_output& out, double d_loss, const qpm_gradient& g) {
  const qpm_input in = scaled(given);
  for (const view& wanted : {g.d_query, g.d_product, g.d_product_log_p})
    if (!wanted.empty()) zero(wanted);
  double d_scale = 0;
  for (std::int64_t b = 0; b < in.query.rows; ++b) {
    const double weight = in.row_weight.empty() ? 1 : static_cast<double>(in.row_weight[static_cast<std::size_t>(b)]);
    for (const auto& t : terms_of(in, b)) {
      const double d_score = weight * d_loss * (std::exp(t.score - out.lse.as<double>()[b]) - (t.own ? 1 : 0));
      const bool product = t.column < in.product.rows;
      const auto* v = product ? in.product.row<double>(t.column) : in.bank.row<double>(t.column - in.product.rows);
      d_scale += d_score * t.similarity;
      if (product && !g.d_product_log_p.empty()) g.d_product_log_p.as<double>()[t.column] -= d_score;
      for (std::int64_t c = 0; c < in.query.cols; ++c) {
        if (!g.d_query.empty()) g.d_query.row<double>(b)[c] += d_score * in.scale * v[c];
        if (product && !g.d_product.empty()) g.d_product.row<double>(t.column)[c] += d_score * in.scale * in.query.row<double>(b)[c];
      }
    }
  }
  if (!g.d_log_scale.empty() && !limit_cuts(in)) *g.d_log_scale.as<double>() += in.scale * d_scale;
  return {};
}

status reference_device::qpm_draw(const qpm_input& in, const qpm_draws& draws, std::span<std::int32_t> drawn) {
  qpm_input products = scaled(in);
  products.bank = {};
  products.bank_id = {};
  for (std::int64_t b = 0; b < in.query.rows; ++b) {
    const auto at = static_cast<std::size_t>(b);
    drawn[at] = -1;
    double best = 0;
    for (const auto& t : terms_of(products, b)) {
      if (t.own) continue;
      const double score = t.score + random_gumbel(draws.key, draws.pair[at], draws.first_column + static_cast<std::uint32_t>(t.column));
      if (drawn[at] >= 0 && score <= best) continue;
      best = score;
      drawn[at] = static_cast<std::int32_t>(t.column);
    }
  }
  return {};
}

}  // namespace argosy

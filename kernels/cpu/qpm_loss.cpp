#include "kernels/qpm_loss.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/cpu_device.hpp"
#include "kernels/cpu/qpm_tiles.hpp"
#include "kernels/cpu/vec.hpp"

namespace argosy {
namespace {

using cpu::qpm_query;
using cpu::qpm_tile;
using cpu::qpm_tiles;
using cpu::vec;

// Online log-sum-exp: adds the columns of one tile to the query's sums. The cells become logits.
void add_to_sums(std::int64_t columns, float scale, const float* bias, bool bank, float* cells, qpm_query& query) {
  cpu::map(
      columns, cells, [scale](vec x, vec b) { return x * scale + b; }, cells, bias);
  const float top = std::max(static_cast<float>(query.top), cpu::largest_of(columns, cells));
  const double shrink = std::exp(query.top - static_cast<double>(top));
  query.top = static_cast<double>(top);
  query.sum[0] *= shrink;
  query.sum[1] *= shrink;
  query.sum[bank] += static_cast<double>(cpu::map_sum(
      columns, [top](vec x) { return cpu::exp(x - top); }, cells));
}

void write_outputs(const qpm_input& in, const qpm_query& query, std::span<const std::int32_t> masked, std::int64_t b,
                   const qpm_output& out) {
  const double own = std::exp(query.own_logit - query.top), negatives = query.sum[0] + query.sum[1], all = own + negatives;
  out.lse.as<float>()[b] = static_cast<float>(query.top + std::log(all));
  // ln(1 + negatives / own), with the logarithm of the ratio kept apart for a positive that underflows.
  const double margin = std::log(negatives) + query.top - query.own_logit;
  out.loss.as<float>()[b] = static_cast<float>(margin > 30 ? margin + std::exp(-margin) : std::log1p(std::exp(margin)));
  out.share_product.as<float>()[b] = static_cast<float>(query.sum[0] / all);
  out.share_bank.as<float>()[b] = static_cast<float>(query.sum[1] / all);
  const auto split = std::lower_bound(masked.begin(), masked.end(), static_cast<std::int32_t>(in.product.rows)) - masked.begin();
  const auto i = static_cast<std::size_t>(b);
  out.negatives_product[i] = static_cast<std::int32_t>(in.product.rows - 1 - split);
  out.negatives_bank[i] = static_cast<std::int32_t>(static_cast<std::ptrdiff_t>(in.bank_id.size() + static_cast<std::size_t>(split)) -
                                                    static_cast<std::ptrdiff_t>(masked.size()));
}

// The cells become d_loss * softmax, the gradient of the logits of the negatives. Returns their gradient of scale.
double logit_gradient(std::int64_t columns, float scale, const float* bias, float lse, float d_loss, float* cells) {
  vec d_scale{};
  const auto chain = [&](vec x, vec b) {
    const vec g = cpu::exp(x * scale + b - lse) * d_loss;
    d_scale += g * x;
    return g;
  };
  cpu::map(columns, cells, chain, cells, bias);
  return static_cast<double>(cpu::sum(d_scale));
}

// -log p stands in every logit of its column.
void subtract_column_sums(qpm_tiles& tiles, const qpm_tile& t, float* d_log_p) {
  for (std::int64_t row = 0; row < t.queries; ++row) {
    float* const to = d_log_p + t.column;
    cpu::map(
        t.columns, to, [](vec sum, vec g) { return sum - g; }, to, tiles.cells(row));
  }
}

// The same with a scale that is a number.
qpm_input scaled(qpm_input in) {
  if (!in.log_scale.empty()) in.scale = std::min(std::exp(static_cast<double>(*in.log_scale.as<float>())), in.scale_limit);
  return in;
}

bool limit_cuts(const qpm_input& in) {
  return !in.log_scale.empty() && std::exp(static_cast<double>(*in.log_scale.as<float>())) >= in.scale_limit;
}

void add_scale_gradient(const qpm_input& in, double d_scale, view d_log_scale) {
  if (d_log_scale.empty() || limit_cuts(in)) return;
  *d_log_scale.as<float>() += static_cast<float>(in.scale * d_scale);
}

struct drawn_column {
  double score = 0;
  std::int32_t column = -1;
};

void draw_of_tile(const qpm_tile& t, const qpm_draws& draws, std::uint32_t pair, double scale, const float* bias, const float* cells,
                  drawn_column& best) {
  for (std::int64_t c = 0; c < t.columns; ++c) {
    if (cells[c] == qpm_tiles::masked) continue;
    const auto column = static_cast<std::int32_t>(t.column + c);
    const double score = scale * static_cast<double>(cells[c]) + static_cast<double>(bias[c]) +
                         random_gumbel(draws.key, pair, draws.first_column + static_cast<std::uint32_t>(column));
    if (best.column < 0 || score > best.score) best = {score, column};
  }
}

}  // namespace

status cpu_device::qpm_forward(const qpm_input& given, const qpm_output& out) {
  const qpm_input in = scaled(given);
  ARGOSY_ASSIGN(float* cells, scratch(qpm_tiles::floats));
  qpm_tiles tiles(threads_, in, cells);
  const float scale = static_cast<float>(in.scale);
  ARGOSY_TRY(tiles.walk(
      [&](const qpm_tile& t, std::int64_t row) {
        add_to_sums(t.columns, scale, tiles.bias(t), t.bank, tiles.cells(row), tiles.query(t.query + row));
      },
      [](const qpm_tile&) { return status{}; }));
  for (std::int64_t b = 0; b < in.query.rows; ++b) write_outputs(in, tiles.query(b), tiles.masks().of(b), b, out);
  return {};
}

status cpu_device::qpm_backward(const qpm_input& given, const qpm_output& out, double d_loss, const qpm_gradient& gradient) {
  const qpm_input in = scaled(given);
  ARGOSY_ASSIGN(float* cells, scratch(qpm_tiles::floats));
  qpm_tiles tiles(threads_, in, cells);
  const float scale = static_cast<float>(in.scale);
  const auto loss_gradient = [&](std::int64_t b) {
    return in.row_weight.empty() ? d_loss : d_loss * static_cast<double>(in.row_weight[static_cast<std::size_t>(b)]);
  };
  const auto row_gradient = [&](const qpm_tile& t, std::int64_t row) {
    const std::int64_t b = t.query + row, own = tiles.own(b) - t.column;
    qpm_query& query = tiles.query(b);
    const float lse = out.lse.as<float>()[b];
    query.d_scale += logit_gradient(t.columns, scale, tiles.bias(t), lse, static_cast<float>(loss_gradient(b)), tiles.cells(row));
    if (own < 0 || own >= t.columns) return;
    const double d_own = loss_gradient(b) * std::expm1(query.own_logit - static_cast<double>(lse));
    query.d_scale += d_own * query.own_dot;
    tiles.cells(row)[own] = static_cast<float>(d_own);
  };
  const auto embedding_gradients = [&](const qpm_tile& t) -> status {
    const cpu::factor g{tiles.cells(0), qpm_tiles::stride}, g_t{tiles.cells(0), qpm_tiles::stride, true};
    if (!gradient.d_query.empty())
      ARGOSY_TRY(cpu::multiply(threads_, t.columns, scale, g, cpu::plain(t.embedding), t.column > 0,
                               gradient.d_query.row_range(t.query, t.queries)));
    if (t.bank) return {};
    if (!gradient.d_product_log_p.empty()) subtract_column_sums(tiles, t, gradient.d_product_log_p.as<float>());
    if (gradient.d_product.empty()) return {};
    return cpu::multiply(threads_, t.queries, scale, g_t, cpu::plain(in.query.row_range(t.query, t.queries)), t.query > 0,
                         gradient.d_product.row_range(t.column, t.columns));
  };
  if (!gradient.d_product_log_p.empty()) zero(gradient.d_product_log_p);
  ARGOSY_TRY(tiles.walk(row_gradient, embedding_gradients));
  if (in.query.rows == 0 && !gradient.d_product.empty()) zero(gradient.d_product);
  double d_scale = 0;
  for (std::int64_t b = 0; b < in.query.rows; ++b) d_scale += tiles.query(b).d_scale;
  add_scale_gradient(in, d_scale, gradient.d_log_scale);
  return {};
}

status cpu_device::qpm_draw(const qpm_input& in, const qpm_draws& draws, std::span<std::int32_t> drawn) {
  ARGOSY_ASSIGN(float* cells, scratch(qpm_tiles::floats));
  qpm_input products = scaled(in);
  products.bank = {};
  products.bank_id = {};
  products.bank_log_p = {};
  qpm_tiles tiles(threads_, products, cells);
  std::vector<drawn_column> best(drawn.size());
  ARGOSY_TRY(tiles.walk(
      [&](const qpm_tile& t, std::int64_t row) {
        const auto b = static_cast<std::size_t>(t.query + row);
        draw_of_tile(t, draws, draws.pair[b], products.scale, tiles.bias(t), tiles.cells(row), best[b]);
      },
      [](const qpm_tile&) { return status{}; }));
  std::ranges::transform(best, drawn.begin(), &drawn_column::column);
  return {};
}

}  // namespace argosy

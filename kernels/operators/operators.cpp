// The checked operators: every argument is looked at before anything is written, then the device does the work.
#include <cmath>

#include "kernels/adamw.hpp"
#include "kernels/attention.hpp"
#include "kernels/classify.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/linear.hpp"
#include "kernels/modal_gate.hpp"
#include "kernels/normalise.hpp"
#include "kernels/operators/checks.hpp"
#include "kernels/qpm_loss.hpp"
#include "kernels/rows.hpp"

namespace argosy {
namespace {

std::int64_t count_of(auto span) { return static_cast<std::int64_t>(span.size()); }

status check_linear(device& on, const linear_input& in) {
  ARGOSY_TRY(want_rows(on, "x", in.x));
  ARGOSY_TRY(want_shape(on, "weight", in.weight, in.weight.rows, in.x.cols));
  return in.bias.empty() ? status{} : want_shape(on, "bias", in.bias, 1, in.weight.rows);
}

status check_dropout(const dropout_input& in, std::int64_t rows) {
  if (!(in.rate >= 0 && in.rate < 1))
    return {errc::invalid_argument, "rate: want a number from 0 to below 1, got " + std::to_string(in.rate)};
  ARGOSY_TRY(want_count("pair", in.pair.size(), rows));
  return want_count("position", in.position.size(), rows);
}

status check_layer_norm(device& on, const layer_norm_input& in) {
  ARGOSY_TRY(want_shape(on, "gain", in.gain, 1, in.x.cols));
  ARGOSY_TRY(want_shape(on, "bias", in.bias, 1, in.x.cols));
  if (in.drop.rate != 0) ARGOSY_TRY(check_dropout(in.drop, in.x.rows));
  return want_positive("eps", in.eps);
}

status check_attention(device& on, const attention_input& in) {
  ARGOSY_TRY(want_rows(on, "q", in.q));
  if (in.heads < 1 || in.q.cols % in.heads != 0)
    return {errc::invalid_argument, "heads: want a divisor of " + std::to_string(in.q.cols) + ", got " + std::to_string(in.heads)};
  ARGOSY_TRY(want_positive("scale", in.scale));
  ARGOSY_TRY(want_rows(on, "k", in.k, in.k.rows, in.q.cols));
  ARGOSY_TRY(want_rows(on, "v", in.v, in.k.rows, in.q.cols));
  for (const auto& [name, v] : {std::pair{"k", in.k}, {"v", in.v}}) ARGOSY_TRY(want_alike(name, v, in.q));
  ARGOSY_TRY(want_offsets("q_offset", in.q_offset, in.q.rows));
  ARGOSY_TRY(want_offsets("kv_offset", in.kv_offset, in.k.rows));
  return want_count("kv_offset", in.kv_offset.size(), count_of(in.q_offset));
}

status check_gate(device& on, const modal_gate_input& in) {
  ARGOSY_TRY(want_rows(on, "title", in.title));
  ARGOSY_TRY(want_rows(on, "image", in.image, in.title.rows, in.title.cols));
  ARGOSY_TRY(want_shape(on, "logits", in.logits, in.title.rows, 2));
  ARGOSY_TRY(want_alike("image", in.image, in.title));
  return want_count("present", in.present.size(), in.title.rows);
}

status check_pairs(device& on, const pair_rows& in) {
  ARGOSY_TRY(want_matrix(on, "query", in.query));
  return want_shape(on, "product", in.product, in.query.rows, in.query.cols);
}

status check_qpm_input(device& on, const qpm_input& in) {
  const auto queries = in.query.rows, products = in.product.rows, kept = in.bank.rows;
  ARGOSY_TRY(want_matrix(on, "query", in.query));
  ARGOSY_TRY(want_shape(on, "product", in.product, products, in.query.cols));
  if (!in.bank.empty()) ARGOSY_TRY(want_shape(on, "bank", in.bank, kept, in.query.cols));
  for (const auto& [name, value] : {std::pair{"scale", in.scale}, {"weight_product", in.weight_product}, {"weight_bank", in.weight_bank}})
    ARGOSY_TRY(want_positive(name, value));
  if (!in.log_scale.empty()) ARGOSY_TRY(want_shape(on, "log_scale", in.log_scale, 1, 1));
  if (!(in.scale_limit > 0)) return {errc::invalid_argument, "scale_limit: want a positive number, got " + std::to_string(in.scale_limit)};
  ARGOSY_TRY(want_count("product_id", in.product_id.size(), products));
  ARGOSY_TRY(want_count("bank_id", in.bank_id.size(), kept));
  ARGOSY_TRY(want_shape(on, "product_log_p", in.product_log_p, 1, products));
  if (kept > 0) ARGOSY_TRY(want_shape(on, "bank_log_p", in.bank_log_p, 1, kept));
  ARGOSY_TRY(want_count("own", in.own.size(), queries));
  ARGOSY_TRY(want_indices("own", in.own, 0, products));
  ARGOSY_TRY(want_count("known_offset", in.known_offset.size(), queries + 1));
  ARGOSY_TRY(want_offsets("known_offset", in.known_offset, count_of(in.known_product)));
  return in.row_weight.empty() ? status{} : want_count("row_weight", in.row_weight.size(), queries);
}

status check_qpm(device& on, const qpm_input& in, const qpm_output& out) {
  ARGOSY_TRY(check_qpm_input(on, in));
  const auto queries = in.query.rows;
  for (const auto& [name, v] :
       {std::pair{"loss", out.loss}, {"lse", out.lse}, {"share_product", out.share_product}, {"share_bank", out.share_bank}})
    ARGOSY_TRY(want_shape(on, name, v, 1, queries));
  ARGOSY_TRY(want_count("negatives_product", out.negatives_product.size(), queries));
  return want_count("negatives_bank", out.negatives_bank.size(), queries);
}

}  // namespace

status linear_forward(device& on, const linear_input& in, view y) {
  ARGOSY_TRY(check_linear(on, in));
  ARGOSY_TRY(want_rows(on, "y", y, in.x.rows, in.weight.rows));
  return on.linear_forward(in, y);
}

status linear_backward(device& on, const linear_input& in, const_view d_y, const linear_gradient& g) {
  ARGOSY_TRY(check_linear(on, in));
  ARGOSY_TRY(want_rows(on, "d_y", d_y, in.x.rows, in.weight.rows));
  if (!g.d_x.empty()) ARGOSY_TRY(want_rows(on, "d_x", g.d_x, in.x.rows, in.x.cols));
  if (!g.d_weight.empty()) ARGOSY_TRY(want_shape(on, "d_weight", g.d_weight, in.weight.rows, in.weight.cols));
  if (!g.d_bias.empty()) ARGOSY_TRY(want_shape(on, "d_bias", g.d_bias, 1, in.weight.rows));
  return on.linear_backward(in, d_y, g);
}

status bias_gelu_forward(device& on, const_view x, const_view bias, view y) {
  ARGOSY_TRY(want_rows(on, "x", x));
  ARGOSY_TRY(want_shape(on, "bias", bias, 1, x.cols));
  ARGOSY_TRY(want_rows(on, "y", y, x.rows, x.cols));
  ARGOSY_TRY(want_alike("y", y, x));
  return on.bias_gelu_forward(x, bias, y);
}

status bias_gelu_backward(device& on, const_view x, const_view bias, const_view d_y, view d_x, view d_bias) {
  ARGOSY_TRY(want_rows(on, "x", x));
  ARGOSY_TRY(want_shape(on, "bias", bias, 1, x.cols));
  ARGOSY_TRY(want_rows(on, "d_y", d_y, x.rows, x.cols));
  ARGOSY_TRY(want_rows(on, "d_x", d_x, x.rows, x.cols));
  ARGOSY_TRY(want_shape(on, "d_bias", d_bias, 1, x.cols));
  for (const auto& [name, v] : {std::pair{"d_y", d_y}, {"d_x", const_view(d_x)}}) ARGOSY_TRY(want_alike(name, v, x));
  return on.bias_gelu_backward(x, bias, d_y, d_x, d_bias);
}

status add(device& on, const_view x, view y) {
  ARGOSY_TRY(want_rows(on, "x", x));
  ARGOSY_TRY(want_rows(on, "y", y, x.rows, x.cols));
  return on.add(x, y);
}

status scale_rows(device& on, std::span<const float> factor, view x) {
  ARGOSY_TRY(want_rows(on, "x", x));
  ARGOSY_TRY(want_count("factor", factor.size(), x.rows));
  return on.scale_rows(factor, x);
}

status add_total(device& on, const_view x, double factor, view to) {
  ARGOSY_TRY(want_matrix(on, "x", x));
  ARGOSY_TRY(want_shape(on, "to", to, 1, 1));
  return on.add_total(x, factor, to);
}

status from_bytes(device& on, std::span<const std::uint8_t> bytes, double scale, double shift, view y) {
  ARGOSY_TRY(want_rows(on, "y", y));
  ARGOSY_TRY(want_count("bytes", bytes.size(), y.rows * y.cols));
  return on.from_bytes(bytes, scale, shift, y);
}

status from_halves(device& on, std::span<const std::uint16_t> halves, view y) {
  ARGOSY_TRY(want_rows(on, "y", y));
  ARGOSY_TRY(want_count("halves", halves.size(), y.rows * y.cols));
  return on.from_halves(halves, y);
}

status dropout(device& on, const dropout_input& in, view x) {
  ARGOSY_TRY(want_rows(on, "x", x));
  ARGOSY_TRY(check_dropout(in, x.rows));
  return on.dropout(in, x);
}

status layer_norm_forward(device& on, const layer_norm_input& in, view y, const layer_norm_saved& saved) {
  ARGOSY_TRY(want_rows(on, "x", in.x));
  ARGOSY_TRY(check_layer_norm(on, in));
  if (!in.residual.empty()) ARGOSY_TRY(want_rows(on, "residual", in.residual, in.x.rows, in.x.cols));
  ARGOSY_TRY(want_rows(on, "y", y, in.x.rows, in.x.cols));
  if (!saved.normalised.empty() || !saved.rstd.empty()) {
    ARGOSY_TRY(want_rows(on, "normalised", saved.normalised, in.x.rows, in.x.cols));
    ARGOSY_TRY(want_shape(on, "rstd", saved.rstd, 1, in.x.rows));
  }
  for (const auto& [name, v] : {std::pair{"residual", in.residual}, {"y", const_view(y)}, {"normalised", const_view(saved.normalised)}})
    ARGOSY_TRY(want_alike(name, v, in.x));
  return on.layer_norm_forward(in, y, saved);
}

status layer_norm_backward(device& on, const layer_norm_input& in, const layer_norm_saved& saved, const_view d_y,
                           const layer_norm_gradient& g) {
  ARGOSY_TRY(want_rows(on, "d_y", d_y));
  ARGOSY_TRY(want_rows(on, "normalised", saved.normalised, d_y.rows, d_y.cols));
  ARGOSY_TRY(want_shape(on, "rstd", saved.rstd, 1, d_y.rows));
  ARGOSY_TRY(want_shape(on, "gain", in.gain, 1, d_y.cols));
  ARGOSY_TRY(want_rows(on, "d_x", g.d_x, d_y.rows, d_y.cols));
  ARGOSY_TRY(want_shape(on, "d_gain", g.d_gain, 1, d_y.cols));
  ARGOSY_TRY(want_shape(on, "d_bias", g.d_bias, 1, d_y.cols));
  if (in.drop.rate != 0) ARGOSY_TRY(check_dropout(in.drop, d_y.rows));
  if (!g.d_residual.empty()) {
    if (in.drop.rate == 0) return {errc::invalid_argument, "d_residual: want none without dropout, where it is d_x"};
    ARGOSY_TRY(want_rows(on, "d_residual", g.d_residual, d_y.rows, d_y.cols));
  }
  for (const auto& [name, v] : {std::pair{"normalised", saved.normalised}, {"d_x", g.d_x}, {"d_residual", g.d_residual}})
    ARGOSY_TRY(want_alike(name, v, d_y));
  return on.layer_norm_backward(in, saved, d_y, g);
}

status attention_forward(device& on, const attention_input& in, view o, view lse) {
  ARGOSY_TRY(check_attention(on, in));
  ARGOSY_TRY(want_rows(on, "o", o, in.q.rows, in.q.cols));
  if (!lse.empty()) ARGOSY_TRY(want_shape(on, "lse", lse, in.q.rows, in.heads));
  ARGOSY_TRY(want_alike("o", o, in.q));
  return on.attention_forward(in, o, lse);
}

status attention_backward(device& on, const attention_input& in, const_view o, const_view lse, const_view d_o,
                          const attention_gradient& g) {
  ARGOSY_TRY(check_attention(on, in));
  ARGOSY_TRY(want_rows(on, "o", o, in.q.rows, in.q.cols));
  ARGOSY_TRY(want_shape(on, "lse", lse, in.q.rows, in.heads));
  ARGOSY_TRY(want_rows(on, "d_o", d_o, in.q.rows, in.q.cols));
  ARGOSY_TRY(want_rows(on, "d_q", g.d_q, in.q.rows, in.q.cols));
  ARGOSY_TRY(want_rows(on, "d_k", g.d_k, in.k.rows, in.k.cols));
  ARGOSY_TRY(want_rows(on, "d_v", g.d_v, in.k.rows, in.k.cols));
  for (const auto& [name, v] :
       {std::pair{"o", o}, {"d_o", d_o}, {"d_q", const_view(g.d_q)}, {"d_k", const_view(g.d_k)}, {"d_v", const_view(g.d_v)}})
    ARGOSY_TRY(want_alike(name, v, in.q));
  return on.attention_backward(in, o, lse, d_o, g);
}

status move_rows(device& on, const move_rows_input& in, view to) {
  ARGOSY_TRY(want_rows(on, "from", in.from));
  ARGOSY_TRY(want_rows(on, "to", to, to.rows, in.from.cols));
  const auto from_count = in.from_index.empty() ? in.from.rows : count_of(in.from_index);
  const auto to_count = in.to_index.empty() ? to.rows : count_of(in.to_index);
  if (from_count != to_count)
    return {errc::shape_mismatch, "move_rows: " + std::to_string(from_count) + " rows to read, " + std::to_string(to_count) + " to write"};
  ARGOSY_TRY(want_indices("from_index", in.from_index, -1, in.from.rows));
  ARGOSY_TRY(want_indices("to_index", in.to_index, -1, to.rows));
  return on.move_rows(in, to);
}

status normalise_forward(device& on, const_view x, view y, view norm) {
  ARGOSY_TRY(want_matrix(on, "x", x));
  ARGOSY_TRY(want_shape(on, "y", y, x.rows, x.cols));
  ARGOSY_TRY(want_shape(on, "norm", norm, 1, x.rows));
  return on.normalise_forward(x, y, norm);
}

status normalise_backward(device& on, const_view y, const_view norm, const_view d_y, view d_x) {
  ARGOSY_TRY(want_matrix(on, "y", y));
  ARGOSY_TRY(want_shape(on, "norm", norm, 1, y.rows));
  ARGOSY_TRY(want_shape(on, "d_y", d_y, y.rows, y.cols));
  ARGOSY_TRY(want_shape(on, "d_x", d_x, y.rows, y.cols));
  return on.normalise_backward(y, norm, d_y, d_x);
}

status modal_gate_forward(device& on, const modal_gate_input& in, view product, view gate) {
  ARGOSY_TRY(check_gate(on, in));
  ARGOSY_TRY(want_rows(on, "product", product, in.title.rows, in.title.cols));
  ARGOSY_TRY(want_shape(on, "gate", gate, in.title.rows, 2));
  ARGOSY_TRY(want_alike("product", product, in.title));
  return on.modal_gate_forward(in, product, gate);
}

status modal_gate_backward(device& on, const modal_gate_input& in, const_view gate, const_view d_product, const modal_gate_gradient& g) {
  ARGOSY_TRY(check_gate(on, in));
  ARGOSY_TRY(want_shape(on, "gate", gate, in.title.rows, 2));
  ARGOSY_TRY(want_rows(on, "d_product", d_product, in.title.rows, in.title.cols));
  ARGOSY_TRY(want_rows(on, "d_title", g.d_title, in.title.rows, in.title.cols));
  ARGOSY_TRY(want_rows(on, "d_image", g.d_image, in.title.rows, in.title.cols));
  ARGOSY_TRY(want_shape(on, "d_logits", g.d_logits, in.title.rows, 2));
  for (const auto& [name, v] : {std::pair{"d_product", d_product}, {"d_title", const_view(g.d_title)}, {"d_image", const_view(g.d_image)}})
    ARGOSY_TRY(want_alike(name, v, in.title));
  return on.modal_gate_backward(in, gate, d_product, g);
}

status qpm_forward(device& on, const qpm_input& in, const qpm_output& out) {
  ARGOSY_TRY(check_qpm(on, in, out));
  return on.qpm_forward(in, out);
}

status qpm_backward(device& on, const qpm_input& in, const qpm_output& out, double d_loss, const qpm_gradient& g) {
  ARGOSY_TRY(check_qpm(on, in, out));
  if (!g.d_query.empty()) ARGOSY_TRY(want_shape(on, "d_query", g.d_query, in.query.rows, in.query.cols));
  if (!g.d_product.empty()) ARGOSY_TRY(want_shape(on, "d_product", g.d_product, in.product.rows, in.product.cols));
  if (!g.d_product_log_p.empty()) ARGOSY_TRY(want_shape(on, "d_product_log_p", g.d_product_log_p, 1, in.product.rows));
  if (!g.d_log_scale.empty()) ARGOSY_TRY(want_shape(on, "d_log_scale", g.d_log_scale, 1, 1));
  return on.qpm_backward(in, out, d_loss, g);
}

status qpm_draw(device& on, const qpm_input& in, const qpm_draws& draws, std::span<std::int32_t> drawn) {
  ARGOSY_TRY(check_qpm_input(on, in));
  ARGOSY_TRY(want_count("pair", draws.pair.size(), in.query.rows));
  ARGOSY_TRY(want_count("drawn", drawn.size(), in.query.rows));
  return on.qpm_draw(in, draws, drawn);
}

status pair_features_forward(device& on, const pair_rows& in, view y) {
  ARGOSY_TRY(check_pairs(on, in));
  ARGOSY_TRY(want_shape(on, "y", y, in.query.rows, 4 * in.query.cols));
  return on.pair_features_forward(in, y);
}

status pair_features_backward(device& on, const pair_rows& in, const_view d_y, view d_query, view d_product) {
  ARGOSY_TRY(check_pairs(on, in));
  ARGOSY_TRY(want_shape(on, "d_y", d_y, in.query.rows, 4 * in.query.cols));
  ARGOSY_TRY(want_shape(on, "d_query", d_query, in.query.rows, in.query.cols));
  ARGOSY_TRY(want_shape(on, "d_product", d_product, in.query.rows, in.query.cols));
  return on.pair_features_backward(in, d_y, d_query, d_product);
}

status cross_entropy(device& on, const cross_entropy_input& in, double d_loss, view loss, view d_logits) {
  ARGOSY_TRY(want_matrix(on, "logits", in.logits));
  ARGOSY_TRY(want_count("label", in.label.size(), in.logits.rows));
  ARGOSY_TRY(want_indices("label", in.label, 0, in.logits.cols));
  ARGOSY_TRY(want_shape(on, "loss", loss, 1, in.logits.rows));
  ARGOSY_TRY(want_shape(on, "d_logits", d_logits, in.logits.rows, in.logits.cols));
  return on.cross_entropy(in, d_loss, loss, d_logits);
}

status divergence(device& on, const divergence_input& in, double d_loss, view loss, view d_predicted) {
  ARGOSY_TRY(want_matrix(on, "target", in.target));
  ARGOSY_TRY(want_shape(on, "predicted", in.predicted, in.target.rows, in.target.cols));
  ARGOSY_TRY(want_shape(on, "loss", loss, 1, in.target.rows));
  ARGOSY_TRY(want_shape(on, "d_predicted", d_predicted, in.target.rows, in.target.cols));
  return on.divergence(in, d_loss, loss, d_predicted);
}

status adamw(device& on, const adamw_settings& s, const_view gradient, view parameter, view first, view second) {
  ARGOSY_TRY(want_shape(on, "gradient", gradient, 1, gradient.cols));
  for (const auto& [name, v] : {std::pair{"parameter", parameter}, {"first", first}, {"second", second}})
    ARGOSY_TRY(want_shape(on, name, v, 1, gradient.cols));
  if (s.step < 1) return {errc::invalid_argument, "step: want at least 1, got " + std::to_string(s.step)};
  if (!s.squares.empty()) {
    ARGOSY_TRY(want_shape(on, "squares", s.squares, 1, 1));
    ARGOSY_TRY(want_positive("clip", s.clip));
  }
  return on.adamw(s, gradient, parameter, first, second);
}

status add_squares(device& on, const_view x, view to) {
  ARGOSY_TRY(want_matrix(on, "x", x));
  ARGOSY_TRY(want_shape(on, "to", to, 1, 1));
  return on.add_squares(x, to);
}

}  // namespace argosy

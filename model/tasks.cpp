#include "model/tasks.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "kernels/classify.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/linear.hpp"
#include "kernels/normalise.hpp"
#include "kernels/rows.hpp"
#include "kernels/transfer.hpp"

namespace argosy {
namespace {

constexpr double first_inv_tau = 1 / .07, largest_inv_tau = 100;

status zeroed(device& on, tensor& t, std::int64_t rows, std::int64_t cols) {
  ARGOSY_TRY(t.resize(on, rows, cols));
  on.zero(t);
  return {};
}

}  // namespace

status column_softmax::run(device& on, const input& in, double d_loss, const qpm_gradient& gradient) {
  const auto rows = in.query.rows, columns = in.column.rows;
  for (auto* t : {&loss_, &lse_, &share_}) ARGOSY_TRY(t->resize(on, 1, rows));
  if (in.log_p.empty()) ARGOSY_TRY(zeroed(on, no_log_p_, 1, columns));
  negatives_.resize(in.own.size());
  none_known_.assign(in.own.size() + 1, 0);
  if (std::ssize(id_) != columns) {
    id_.resize(static_cast<std::size_t>(columns));
    std::iota(id_.begin(), id_.end(), 0);
  }
  qpm_input softmax;
  softmax.query = in.query;
  softmax.product = in.column;
  softmax.log_scale = in.log_scale;
  softmax.scale_limit = in.scale_limit;
  softmax.product_id = id_;
  softmax.product_log_p = in.log_p.empty() ? const_view(no_log_p_) : in.log_p;
  softmax.own = in.own;
  softmax.known_offset = in.known_offset.empty() ? std::span<const std::int32_t>(none_known_) : in.known_offset;
  softmax.known_product = in.known;
  const qpm_output out{loss_, lse_, share_, share_, negatives_, negatives_};
  ARGOSY_TRY(qpm_forward(on, softmax, out));
  return qpm_backward(on, softmax, out, d_loss, gradient);
}

void word_head::add_specs(std::vector<parameter_spec>& specs, const std::string& name, std::int64_t hidden, std::int64_t vocabulary,
                          double deviation) {
  add_linear_specs(specs, name + ".dense", hidden, hidden, deviation);
  add_norm_specs(specs, name + ".ln", hidden);
  specs.push_back({name + ".log_p", 1, vocabulary, initial::zero, 0, false});
}

word_head word_head::bind(const parameters& all, const std::string& name, const std::string& tokens) {
  word_head made;
  made.dense_ = slot_of(all, name + ".dense");
  made.norm_ = norm_of(all, name + ".ln");
  made.token_ = all.at(tokens).value;
  made.d_token_ = all.at(tokens).gradient;
  made.log_p_ = all.at(name + ".log_p").value;
  made.d_log_p_ = all.at(name + ".log_p").gradient;
  return made;
}

status word_head::run(device& on, const_view rows, std::span<const std::int32_t> row, std::span<const std::int32_t> piece, double d_loss,
                      view loss) {
  const auto count = std::ssize(row), hidden = token_.cols;
  ARGOSY_TRY(d_rows_.resize(on, count, hidden));
  if (count == 0) return {};
  for (auto* t : {&rows_, &wide_, &said_, &normalised_, &d_said_}) ARGOSY_TRY(t->resize(on, count, hidden));
  ARGOSY_TRY(rstd_.resize(on, 1, count));
  ARGOSY_TRY(d_table_.resize(on, token_.rows, hidden));
  ARGOSY_TRY(d_columns_.resize(on, 1, token_.rows));

  ARGOSY_TRY(move_rows(on, {rows, row, {}, false}, rows_));
  ARGOSY_TRY(gelu_layer_forward(on, dense_, rows_, wide_, said_));
  ARGOSY_TRY(layer_norm_forward(on, {said_, {}, norm_.gain, norm_.bias, layer_norm_eps}, said_, {normalised_, rstd_}));
  ARGOSY_TRY(softmax_.run(on, {.query = said_, .column = token_, .log_p = log_p_, .own = piece}, d_loss,
                          {.d_query = d_said_, .d_product = d_table_, .d_product_log_p = d_columns_}));
  ARGOSY_TRY(add_total(on, softmax_.losses(), 1, loss));
  ARGOSY_TRY(add(on, d_table_, d_token_));
  ARGOSY_TRY(add(on, d_columns_, d_log_p_));
  ARGOSY_TRY(layer_norm_backward(on, {said_, {}, norm_.gain, norm_.bias, layer_norm_eps}, {normalised_, rstd_}, d_said_,
                                 {d_said_, norm_.d_gain, norm_.d_bias}));
  return gelu_layer_backward(on, dense_, rows_, wide_, d_said_, d_rows_);
}

void patch_head::add_specs(std::vector<parameter_spec>& specs, const std::string& name, std::int64_t hidden, double deviation) {
  add_linear_specs(specs, name + ".up", hidden, hidden, deviation);
  add_linear_specs(specs, name + ".down", hidden, hidden, deviation);
  specs.push_back({name + ".log_inv_tau", 1, 1, initial::constant, std::log(first_inv_tau), false});
}

patch_head patch_head::bind(const parameters& all, const std::string& name) {
  patch_head made;
  made.up_ = slot_of(all, name + ".up");
  made.down_ = slot_of(all, name + ".down");
  made.log_inv_tau_ = all.at(name + ".log_inv_tau").value;
  made.d_log_inv_tau_ = all.at(name + ".log_inv_tau").gradient;
  return made;
}

status patch_head::predict(device& on, const_view rows) {
  const auto count = std::ssize(row_), hidden = rows.cols;
  for (auto* t : {&rows_, &wide_, &active_, &predicted_, &d_active_}) ARGOSY_TRY(t->resize(on, count, hidden));
  ARGOSY_TRY(zeroed(on, d_predicted_, count, hidden));
  ARGOSY_TRY(move_rows(on, {rows, row_, {}, false}, rows_));
  ARGOSY_TRY(gelu_layer_forward(on, up_, rows_, wide_, active_));
  return argosy::forward(on, down_, active_, predicted_);
}

status patch_head::find_same(device& on, std::span<const std::int32_t> masked, double above) {
  ARGOSY_TRY(cosine_.resize(on, target_.rows(), unit_target_.rows()));
  ARGOSY_TRY(linear_forward(on, {target_, unit_target_, {}}, cosine_));
  ARGOSY_ASSIGN(const auto cosine, numbers_of(on, cosine_));
  known_offset_.assign(1, 0);
  known_.clear();
  for (std::int64_t m = 0; m < cosine_.rows(); ++m) {
    const auto row = std::span(cosine).subspan(static_cast<std::size_t>(m * cosine_.cols()), static_cast<std::size_t>(cosine_.cols()));
    for (std::size_t other = 0; other < row.size(); ++other)
      if (row[other] > above && std::cmp_not_equal(other, masked[static_cast<std::size_t>(m)]))
        known_.push_back(static_cast<std::int64_t>(other));
    known_offset_.push_back(static_cast<std::int32_t>(known_.size()));
  }
  return {};
}

status patch_head::contrast(device& on, const_view embedded, std::span<const std::int32_t> masked, const settings& how, view loss) {
  const auto patches = embedded.rows, hidden = embedded.cols, count = std::ssize(masked);
  for (auto* t : {&unit_, &unit_target_, &d_unit_}) ARGOSY_TRY(t->resize(on, patches, hidden));
  for (auto* t : {&norm_, &target_norm_}) ARGOSY_TRY(t->resize(on, 1, patches));
  ARGOSY_TRY(target_.resize(on, count, hidden));
  const_view exact = embedded;
  if (embedded.type != on.type()) {
    ARGOSY_TRY(exact_.resize(on, patches, hidden));
    ARGOSY_TRY(move_rows(on, {embedded, {}, {}, false}, exact_));
    exact = exact_;
  }
  ARGOSY_TRY(normalise_forward(on, exact, unit_target_, target_norm_));
  ARGOSY_TRY(normalise_forward(on, predicted_, unit_, norm_));
  ARGOSY_TRY(move_rows(on, {unit_target_, masked, {}, false}, target_));
  const bool merges = how.same_patch < 1;
  if (merges) ARGOSY_TRY(find_same(on, masked, how.same_patch));
  const auto over = [&](const_view query, const_view column) {
    column_softmax::input in{.query = query, .column = column, .log_scale = log_inv_tau_, .scale_limit = largest_inv_tau, .own = masked};
    if (merges) in.known_offset = known_offset_, in.known = known_;
    return in;
  };

  const double part = how.symmetric ? .5 : 1, each = part * how.contrastive;
  ARGOSY_TRY(softmax_.run(on, over(target_, unit_), each, {.d_query = {}, .d_product = d_unit_, .d_log_scale = d_log_inv_tau_}));
  ARGOSY_TRY(add_total(on, softmax_.losses(), part, loss));
  if (how.symmetric) {
    ARGOSY_TRY(chosen_.resize(on, count, hidden));
    ARGOSY_TRY(d_chosen_.resize(on, count, hidden));
    ARGOSY_TRY(move_rows(on, {unit_, masked, {}, false}, chosen_));
    ARGOSY_TRY(softmax_.run(on, over(chosen_, unit_target_), each, {.d_query = d_chosen_, .d_product = {}, .d_log_scale = d_log_inv_tau_}));
    ARGOSY_TRY(add_total(on, softmax_.losses(), part, loss));
    ARGOSY_TRY(move_rows(on, {d_chosen_, {}, masked, true}, d_unit_));
  }
  ARGOSY_TRY(d_more_.resize(on, patches, hidden));
  ARGOSY_TRY(normalise_backward(on, unit_, norm_, d_unit_, d_more_));
  return add(on, d_more_, d_predicted_);
}

status patch_head::regress(device& on, std::span<const std::int32_t> own, double d_loss, view loss) {
  const auto count = std::ssize(own), hidden = predicted_.cols();
  for (auto* t : {&chosen_, &d_chosen_}) ARGOSY_TRY(t->resize(on, count, hidden));
  ARGOSY_TRY(loss_.resize(on, 1, count));
  ARGOSY_TRY(move_rows(on, {predicted_, own, {}, false}, chosen_));
  ARGOSY_TRY(divergence(on, {target_, chosen_}, d_loss, loss_, d_chosen_));
  ARGOSY_TRY(add_total(on, loss_, 1, loss));
  return move_rows(on, {d_chosen_, {}, own, true}, d_predicted_);
}

status patch_head::run(device& on, const_view rows, std::span<const std::int32_t> patch_row, const_view embedded,
                       std::span<const std::int32_t> masked, const settings& how, const patch_losses& losses) {
  row_.clear();
  if (masked.empty()) return d_rows_.resize(on, 0, embedded.cols);
  std::vector<std::int32_t> own(masked.begin(), masked.end());
  if (how.contrastive > 0) {
    row_.assign(patch_row.begin(), patch_row.end());
  } else {
    for (const std::int32_t patch : masked) row_.push_back(patch_row[static_cast<std::size_t>(patch)]);
    std::iota(own.begin(), own.end(), 0);
  }
  ARGOSY_TRY(predict(on, rows));
  if (how.contrastive > 0) ARGOSY_TRY(contrast(on, embedded, masked, how, losses.contrastive));
  if (how.regression > 0) {
    ARGOSY_TRY(target_.resize(on, std::ssize(masked), embedded.cols));
    ARGOSY_TRY(move_rows(on, {embedded, masked, {}, false}, target_));
    ARGOSY_TRY(regress(on, own, how.regression, losses.regression));
  }
  ARGOSY_TRY(argosy::backward(on, down_, active_, d_predicted_, d_active_));
  ARGOSY_TRY(d_rows_.resize(on, std::ssize(row_), embedded.cols));
  return gelu_layer_backward(on, up_, rows_, wide_, d_active_, d_rows_);
}

void pair_head::add_specs(std::vector<parameter_spec>& specs, const std::string& name, std::int64_t width, double deviation) {
  add_linear_specs(specs, name + ".up", width, 4 * width, deviation);
  add_linear_specs(specs, name + ".down", 2, width, deviation);
}

pair_head pair_head::bind(const parameters& all, const std::string& name) {
  pair_head made;
  made.up_ = slot_of(all, name + ".up");
  made.down_ = slot_of(all, name + ".down");
  return made;
}

status pair_head::run(device& on, const pairs& in, double d_loss, view d_query, view d_product, view loss) {
  const auto count = std::ssize(in.label), width = in.query.cols;
  if (count == 0) return {};
  for (auto* t : {&query_, &product_, &d_query_, &d_product_}) ARGOSY_TRY(t->resize(on, count, width));
  for (auto* t : {&features_, &d_features_}) ARGOSY_TRY(t->resize(on, count, 4 * width));
  for (auto* t : {&wide_, &active_, &d_active_}) ARGOSY_TRY(t->resize(on, count, up_.weight.rows));
  for (auto* t : {&logits_, &d_logits_}) ARGOSY_TRY(t->resize(on, count, 2));
  ARGOSY_TRY(loss_.resize(on, 1, count));
  ARGOSY_TRY(move_rows(on, {in.query, in.query_row, {}, false}, query_));
  ARGOSY_TRY(move_rows(on, {in.product, in.product_row, {}, false}, product_));
  const pair_rows both{query_, product_};
  ARGOSY_TRY(pair_features_forward(on, both, features_));
  ARGOSY_TRY(gelu_layer_forward(on, up_, features_, wide_, active_));
  ARGOSY_TRY(argosy::forward(on, down_, active_, logits_));
  ARGOSY_TRY(cross_entropy(on, {logits_, in.label}, d_loss, loss_, d_logits_));
  ARGOSY_TRY(add_total(on, loss_, 1, loss));
  ARGOSY_TRY(argosy::backward(on, down_, active_, d_logits_, d_active_));
  ARGOSY_TRY(gelu_layer_backward(on, up_, features_, wide_, d_active_, d_features_));
  ARGOSY_TRY(pair_features_backward(on, both, d_features_, d_query_, d_product_));
  ARGOSY_TRY(move_rows(on, {d_query_, {}, in.query_row, true}, d_query));
  return move_rows(on, {d_product_, {}, in.product_row, true}, d_product);
}

}  // namespace argosy

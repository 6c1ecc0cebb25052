#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/attention.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/linear.hpp"
#include "kernels/rows.hpp"
#include "model/towers.hpp"

namespace argosy {

void modal_adaptation::add_specs(std::vector<parameter_spec>& specs, const std::string& name, std::int64_t hidden, double deviation) {
  for (const auto* which : {".t.", ".v."}) {
    for (const auto* part : {"q", "k", "v", "o"}) add_linear_specs(specs, name + which + part, hidden, hidden, deviation);
    add_norm_specs(specs, name + which + "ln", hidden);
  }
  add_linear_specs(specs, name + ".gate.up", hidden, 2 * hidden, deviation);
  add_linear_specs(specs, name + ".gate.down", 2, hidden, deviation);
}

modal_adaptation modal_adaptation::bind(const parameters& all, const std::string& name, std::int64_t hidden, int heads) {
  modal_adaptation made;
  const auto bind_side = [&](side& s, const std::string& which) {
    s.q = slot_of(all, name + which + "q");
    s.kv = slot_of(all, name + which + "k", 2);
    s.o = slot_of(all, name + which + "o");
    s.norm = norm_of(all, name + which + "ln");
  };
  bind_side(made.title_, ".t.");
  bind_side(made.image_, ".v.");
  made.up_ = slot_of(all, name + ".gate.up");
  made.down_ = slot_of(all, name + ".gate.down");
  made.hidden_ = hidden;
  made.heads_ = heads;
  return made;
}

status modal_adaptation::attend(device& on, side& s, const packed_rows& own, const packed_rows& other, view out) {
  const auto products = static_cast<std::int64_t>(own.first_row.size());
  for (auto* t : {&s.own, &s.query, &s.mixed, &s.attended, &s.normalised}) ARGOSY_TRY(t->resize_rows(on, products, hidden_));
  ARGOSY_TRY(s.lse.resize(on, products, heads_));
  ARGOSY_TRY(s.rstd.resize(on, 1, products));
  s.attends.clear();
  for (const auto row : other.first_row) s.attends.push_back(row >= 0 ? 1.0F : 0.0F);
  s.all_attend = std::ranges::find(s.attends, 0.0F) == s.attends.end();

  if (own.rows.empty())
    on.zero(s.own);
  else
    ARGOSY_TRY(move_rows(on, {own.rows, own.first_row, {}, false}, s.own));
  if (other.rows.empty()) {
    on.zero(s.attended);
  } else {
    const double scale = 1 / std::sqrt(static_cast<double>(hidden_) / heads_);
    ARGOSY_TRY(s.keys.resize_rows(on, other.rows.rows, 2 * hidden_));
    ARGOSY_TRY(argosy::forward(on, s.q, s.own, s.query));
    ARGOSY_TRY(argosy::forward(on, s.kv, other.rows, s.keys));
    const auto k = s.keys.all().column_range(0, hidden_), v = s.keys.all().column_range(hidden_, hidden_);
    ARGOSY_TRY(attention_forward(on, {heads_, scale, s.query, k, v, one_each_, other.offset}, s.mixed, s.lse));
    ARGOSY_TRY(argosy::forward(on, s.o, s.mixed, s.attended));
    if (!s.all_attend) ARGOSY_TRY(scale_rows(on, s.attends, s.attended));
  }
  return layer_norm_forward(on, {s.attended, s.own, s.norm.gain, s.norm.bias, layer_norm_eps}, out, {s.normalised, s.rstd});
}

status modal_adaptation::attend_backward(device& on, side& s, const packed_rows& own, const packed_rows& other, const_view d_out,
                                         view d_other) {
  const auto products = static_cast<std::int64_t>(own.first_row.size());
  for (auto* t : {&s.d_own, &s.d_mixed, &s.d_query}) ARGOSY_TRY(t->resize_rows(on, products, hidden_));
  ARGOSY_TRY(layer_norm_backward(on, {s.normalised, {}, s.norm.gain, s.norm.bias, layer_norm_eps}, {s.normalised, s.rstd}, d_out,
                                 {s.d_own, s.norm.d_gain, s.norm.d_bias}));
  if (other.rows.empty()) return {};
  const_view d_attended = s.d_own;
  if (!s.all_attend) {
    ARGOSY_TRY(s.d_attended.resize_rows(on, products, hidden_));
    ARGOSY_TRY(move_rows(on, {s.d_own, {}, {}, false}, s.d_attended));
    ARGOSY_TRY(scale_rows(on, s.attends, s.d_attended));
    d_attended = s.d_attended;
  }
  const double scale = 1 / std::sqrt(static_cast<double>(hidden_) / heads_);
  ARGOSY_TRY(s.d_keys.resize_rows(on, other.rows.rows, 2 * hidden_));
  const auto k = s.keys.all().column_range(0, hidden_), v = s.keys.all().column_range(hidden_, hidden_);
  const auto d_k = s.d_keys.all().column_range(0, hidden_), d_v = s.d_keys.all().column_range(hidden_, hidden_);
  ARGOSY_TRY(argosy::backward(on, s.o, s.mixed, d_attended, s.d_mixed));
  ARGOSY_TRY(
      attention_backward(on, {heads_, scale, s.query, k, v, one_each_, other.offset}, s.mixed, s.lse, s.d_mixed, {s.d_query, d_k, d_v}));
  ARGOSY_TRY(argosy::backward(on, s.q, s.own, s.d_query, s.d_own, true));
  return argosy::backward(on, s.kv, other.rows, s.d_keys, d_other);
}

result<const_view> modal_adaptation::forward(device& on, const packed_rows& title, const packed_rows& image) {
  const auto products = static_cast<std::int64_t>(title.first_row.size());
  one_each_.resize(title.first_row.size() + 1);
  std::iota(one_each_.begin(), one_each_.end(), 0);
  present_.clear();
  for (std::size_t b = 0; b < title.first_row.size(); ++b)
    present_.push_back(image.first_row[b] < 0 ? modality::title_only : title.first_row[b] < 0 ? modality::image_only : modality::both);

  ARGOSY_TRY(both_.resize_rows(on, products, 2 * hidden_));
  for (auto* t : {&wide_, &active_, &product_}) ARGOSY_TRY(t->resize_rows(on, products, hidden_));
  for (auto* t : {&logits_, &gate_}) ARGOSY_TRY(t->resize(on, products, 2));
  const auto t = both_.all().column_range(0, hidden_), v = both_.all().column_range(hidden_, hidden_);
  ARGOSY_TRY(attend(on, title_, title, image, t));
  ARGOSY_TRY(attend(on, image_, image, title, v));
  ARGOSY_TRY(gelu_layer_forward(on, up_, both_, wide_, active_));
  ARGOSY_TRY(argosy::forward(on, down_, active_, logits_));
  ARGOSY_TRY(modal_gate_forward(on, {t, v, logits_, present_}, product_, gate_));
  return const_view(product_.all());
}

status modal_adaptation::backward(device& on, const packed_rows& title, const packed_rows& image, const_view d_product, view d_title,
                                  view d_image) {
  ARGOSY_TRY(d_both_.resize_rows(on, both_.rows(), 2 * hidden_));
  ARGOSY_TRY(d_wide_.resize_rows(on, both_.rows(), hidden_));
  ARGOSY_TRY(d_logits_.resize(on, both_.rows(), 2));
  const auto t = both_.all().column_range(0, hidden_), v = both_.all().column_range(hidden_, hidden_);
  const auto d_t = d_both_.all().column_range(0, hidden_), d_v = d_both_.all().column_range(hidden_, hidden_);
  ARGOSY_TRY(modal_gate_backward(on, {t, v, logits_, present_}, gate_, d_product, {d_t, d_v, d_logits_}));
  ARGOSY_TRY(argosy::backward(on, down_, active_, d_logits_, d_wide_));
  ARGOSY_TRY(gelu_layer_backward(on, up_, both_, wide_, d_wide_, d_both_, true));

  // The rows first get what they gave as keys and values; where there was no attention they start from zero.
  if (!d_title.empty() && image.rows.empty()) on.zero(d_title);
  if (!d_image.empty() && title.rows.empty()) on.zero(d_image);
  ARGOSY_TRY(attend_backward(on, title_, title, image, d_t, d_image));
  ARGOSY_TRY(attend_backward(on, image_, image, title, d_v, d_title));
  if (!d_title.empty()) ARGOSY_TRY(move_rows(on, {title_.d_own, {}, title.first_row, true}, d_title));
  if (!d_image.empty()) ARGOSY_TRY(move_rows(on, {image_.d_own, {}, image.first_row, true}, d_image));
  return {};
}

}  // namespace argosy

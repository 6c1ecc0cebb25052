#include "model/encoder.hpp"

#include <cmath>
#include <numeric>

#include "base/check.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/linear.hpp"
#include "kernels/rows.hpp"

namespace argosy {

linear_slot slot_of(const parameters& all, std::string_view name, int joined) {
  const auto& weight = all.at(std::string(name) + ".weight");
  const auto& bias = all.at(std::string(name) + ".bias");
  return {stacked(weight.value, joined), adjoined(bias.value, joined), stacked(weight.gradient, joined), adjoined(bias.gradient, joined)};
}

norm_slot norm_of(const parameters& all, std::string_view name) {
  const auto& gain = all.at(std::string(name) + ".weight");
  const auto& bias = all.at(std::string(name) + ".bias");
  return {gain.value, bias.value, gain.gradient, bias.gradient};
}

void add_linear_specs(std::vector<parameter_spec>& specs, const std::string& name, std::int64_t out, std::int64_t in, double deviation) {
  specs.push_back({name + ".weight", out, in, initial::normal, deviation, true});
  specs.push_back({name + ".bias", 1, out, initial::zero, 0, false});
}

void add_norm_specs(std::vector<parameter_spec>& specs, const std::string& name, std::int64_t columns) {
  specs.push_back({name + ".weight", 1, columns, initial::one, 0, false});
  specs.push_back({name + ".bias", 1, columns, initial::zero, 0, false});
}

namespace {

// The map to outputs first .. first + count alone.
linear_slot outputs_of(const linear_slot& w, std::int64_t first, std::int64_t count) {
  return {w.weight.row_range(first, count), w.bias.column_range(first, count), w.d_weight.row_range(first, count),
          w.d_bias.column_range(first, count)};
}

}  // namespace

status forward(device& on, const linear_slot& w, const_view x, view y) { return linear_forward(on, {x, w.weight, w.bias}, y); }

status backward(device& on, const linear_slot& w, const_view x, const_view d_y, view d_x, bool add_to_d_x) {
  return linear_backward(on, {x, w.weight, w.bias}, d_y, {d_x, add_to_d_x, w.d_weight, w.d_bias});
}

status gelu_layer_forward(device& on, const linear_slot& w, const_view x, view wide, view active) {
  ARGOSY_TRY(linear_forward(on, {x, w.weight, {}}, wide));
  return bias_gelu_forward(on, wide, w.bias, active);
}

status gelu_layer_backward(device& on, const linear_slot& w, const_view x, const_view wide, view d, view d_x, bool add_to_d_x) {
  ARGOSY_TRY(bias_gelu_backward(on, wide, w.bias, d, d, w.d_bias));
  return linear_backward(on, {x, w.weight, {}}, d, {d_x, add_to_d_x, w.d_weight, {}});
}

dropout_input dropout_at(const dropout_plan& plan, std::uint32_t site) {
  return {{plan.seed, plan.step, plan.first_site + site}, plan.rate, plan.pair, plan.position};
}

void encoder::add_specs(std::vector<parameter_spec>& specs, const std::string& prefix, const shape& s, double deviation) {
  for (int l = 0; l < s.layers; ++l) {
    const auto name = name_of_layer(prefix, static_cast<std::size_t>(l));
    for (const auto* part : {"q", "k", "v", "o"}) add_linear_specs(specs, name + part, s.hidden, s.hidden, deviation);
    add_linear_specs(specs, name + "up", s.feed_forward, s.hidden, deviation);
    add_linear_specs(specs, name + "down", s.hidden, s.feed_forward, deviation);
    add_norm_specs(specs, name + "ln1", s.hidden);
    add_norm_specs(specs, name + "ln2", s.hidden);
  }
}

encoder encoder::bind(const parameters& all, const std::string& prefix, const shape& s) {
  encoder made;
  made.shape_ = s;
  made.prefix_ = prefix;
  for (int l = 0; l < s.layers; ++l) {
    const auto name = name_of_layer(prefix, static_cast<std::size_t>(l));
    auto& to = made.layers_.emplace_back();
    to.qkv = slot_of(all, name + "q", 3);
    to.o = slot_of(all, name + "o");
    to.up = slot_of(all, name + "up");
    to.down = slot_of(all, name + "down");
    to.ln1 = norm_of(all, name + "ln1");
    to.ln2 = norm_of(all, name + "ln2");
  }
  return made;
}

status encoder::resize_layer(device& on, layer& l, std::int64_t rows, std::int64_t computed) {
  const auto d = shape_.hidden, f = shape_.feed_forward;
  ARGOSY_TRY(l.x.resize_rows(on, rows, d));
  ARGOSY_TRY(l.projected.resize_rows(on, rows, 3 * d));
  for (auto* t : {&l.mixed, &l.hidden, &l.normalised1, &l.normalised2}) ARGOSY_TRY(t->resize_rows(on, computed, d));
  for (auto* t : {&l.wide, &l.active}) ARGOSY_TRY(t->resize_rows(on, computed, f));
  for (auto* t : {&l.rstd1, &l.rstd2}) ARGOSY_TRY(t->resize(on, 1, computed));
  return l.lse.resize(on, computed, shape_.heads);
}

status encoder::resize(device& on, std::int64_t rows) {
  for (auto& l : layers_) ARGOSY_TRY(resize_layer(on, l, rows, rows));
  return output_.resize_rows(on, rows, shape_.hidden);
}

view encoder::input() noexcept { return layers_.empty() ? output_.all() : layers_.front().x.all(); }

encoder::row_set encoder::rows_of(std::size_t which, std::span<const std::int32_t> offset, const dropout_plan& drop) const {
  const bool chosen = !wanted_.empty() && which + 1 == layers_.size();
  if (!chosen) return {{}, offset, offset, drop};
  auto of_wanted = drop;
  of_wanted.pair = wanted_pair_;
  of_wanted.position = wanted_position_;
  return {wanted_, one_each_, offset, of_wanted};
}

status encoder::choose(device& on, const dropout_plan& drop, std::span<const std::int32_t> wanted) {
  wanted_.assign(wanted.begin(), wanted.end());
  if (wanted.empty()) return {};
  ARGOSY_CHECK(!layers_.empty());
  one_each_.resize(wanted.size() + 1);
  std::iota(one_each_.begin(), one_each_.end(), 0);
  wanted_pair_.clear(), wanted_position_.clear();
  for (const auto row : wanted) {
    wanted_pair_.push_back(drop.pair[static_cast<std::size_t>(row)]);
    wanted_position_.push_back(drop.position[static_cast<std::size_t>(row)]);
  }
  auto& last = layers_.back();
  for (auto* t : {&own_, &query_, &output_}) ARGOSY_TRY(t->resize_rows(on, std::ssize(wanted), shape_.hidden));
  return resize_layer(on, last, last.x.rows(), std::ssize(wanted));
}

attention_input encoder::asked(layer& l, const row_set& rows) {
  const auto d = shape_.hidden;
  const auto part = [&](int i) { return l.projected.all().column_range(i * d, d); };
  const double scale = 1 / std::sqrt(static_cast<double>(d) / shape_.heads);
  return {shape_.heads, scale, rows.wanted.empty() ? part(0) : query_.all(), part(1), part(2), rows.q_offset, rows.kv_offset};
}

// q, k and v of all rows; or k and v of all, and q of those that are wanted.
status encoder::project(device& on, layer& l, const row_set& rows) {
  if (rows.wanted.empty()) return argosy::forward(on, l.qkv, l.x, l.projected);
  const auto d = shape_.hidden;
  ARGOSY_TRY(argosy::forward(on, outputs_of(l.qkv, d, 2 * d), l.x, l.projected.all().column_range(d, 2 * d)));
  ARGOSY_TRY(move_rows(on, {l.x, rows.wanted, {}, false}, own_));
  return argosy::forward(on, outputs_of(l.qkv, 0, d), own_, query_);
}

// `d` holds the gradient of the rows as they were added to what attention gave; d_projected_ and d_query_ those of the projections.
status encoder::project_backward(device& on, layer& l, const row_set& rows, view d, view d_x) {
  if (rows.wanted.empty()) return argosy::backward(on, l.qkv, l.x, d_projected_, d, true);
  const auto width = shape_.hidden;
  ARGOSY_TRY(argosy::backward(on, outputs_of(l.qkv, width, 2 * width), l.x, d_projected_.all().column_range(width, 2 * width), d_x));
  ARGOSY_TRY(argosy::backward(on, outputs_of(l.qkv, 0, width), own_, d_query_, d, true));
  return move_rows(on, {d, {}, rows.wanted, true}, d_x);
}

status encoder::layer_forward(device& on, layer& l, const row_set& rows, std::uint32_t site, view y) {
  ARGOSY_TRY(project(on, l, rows));
  ARGOSY_TRY(attention_forward(on, asked(l, rows), l.mixed, l.lse));
  ARGOSY_TRY(argosy::forward(on, l.o, l.mixed, l.hidden));
  const const_view residual = rows.wanted.empty() ? l.x.all() : own_.all();
  ARGOSY_TRY(layer_norm_forward(on, {l.hidden, residual, l.ln1.gain, l.ln1.bias, layer_norm_eps, dropout_at(rows.drop, site)}, l.hidden,
                                {l.normalised1, l.rstd1}));
  ARGOSY_TRY(gelu_layer_forward(on, l.up, l.hidden, l.wide, l.active));
  ARGOSY_TRY(argosy::forward(on, l.down, l.active, y));
  return layer_norm_forward(on, {y, l.hidden, l.ln2.gain, l.ln2.bias, layer_norm_eps, dropout_at(rows.drop, site + 1)}, y,
                            {l.normalised2, l.rstd2});
}

result<const_view> encoder::forward(device& on, std::span<const std::int32_t> offset, const dropout_plan& drop,
                                    std::span<const std::int32_t> wanted) {
  ARGOSY_TRY(choose(on, drop, wanted));
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto y = i + 1 < layers_.size() ? layers_[i + 1].x.all() : output_.all();
    ARGOSY_TRY(layer_forward(on, layers_[i], rows_of(i, offset, drop), static_cast<std::uint32_t>(i) * sites_per_layer, y));
  }
  return const_view(output_.all());
}

status encoder::layer_backward(device& on, layer& l, const row_set& rows, std::uint32_t site, view d, view d_x) {
  const auto width = shape_.hidden;
  // Leaves in d the gradient of a residual sum; d_term is that of the term that was added, through dropout when there is any.
  const bool drops = rows.drop.rate != 0;
  if (drops) ARGOSY_TRY(dropped_.resize_rows(on, d.rows, d.cols));
  const view d_term = drops ? dropped_.all() : d, d_residual = drops ? d : view{};
  const auto norm_backward = [&](const norm_slot& norm, std::uint32_t at, view normalised, view rstd) {
    return layer_norm_backward(on, {normalised, {}, norm.gain, norm.bias, layer_norm_eps, dropout_at(rows.drop, at)}, {normalised, rstd}, d,
                               {d_term, norm.d_gain, norm.d_bias, d_residual});
  };
  ARGOSY_TRY(d_wide_.resize_rows(on, d.rows, shape_.feed_forward));
  ARGOSY_TRY(d_mixed_.resize_rows(on, d.rows, width));
  if (!rows.wanted.empty()) ARGOSY_TRY(d_query_.resize_rows(on, d.rows, width));
  ARGOSY_TRY(d_projected_.resize_rows(on, d_x.rows, 3 * width));

  ARGOSY_TRY(norm_backward(l.ln2, site + 1, l.normalised2, l.rstd2));
  ARGOSY_TRY(argosy::backward(on, l.down, l.active, d_term, d_wide_));
  ARGOSY_TRY(gelu_layer_backward(on, l.up, l.hidden, l.wide, d_wide_, d, true));

  ARGOSY_TRY(norm_backward(l.ln1, site, l.normalised1, l.rstd1));
  ARGOSY_TRY(argosy::backward(on, l.o, l.mixed, d_term, d_mixed_));
  const auto d_part = [&](int i) { return d_projected_.all().column_range(i * width, width); };
  const view d_q = rows.wanted.empty() ? d_part(0) : d_query_.all();
  ARGOSY_TRY(attention_backward(on, asked(l, rows), l.mixed, l.lse, d_mixed_, {d_q, d_part(1), d_part(2)}));
  return project_backward(on, l, rows, d, d_x);
}

status encoder::backward(device& on, std::span<const std::int32_t> offset, const dropout_plan& drop, view d, view d_x,
                         const gradients_complete& complete) {
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const view d_y = i + 1 == layers_.size() ? d : d_x;
    ARGOSY_TRY(layer_backward(on, layers_[i], rows_of(i, offset, drop), static_cast<std::uint32_t>(i) * sites_per_layer, d_y, d_x));
    if (complete) complete(name_of_layer(prefix_, i));
  }
  return {};
}

}  // namespace argosy

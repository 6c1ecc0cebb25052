#include <algorithm>

#include "kernels/layer_norm.hpp"
#include "kernels/rows.hpp"
#include "model/towers.hpp"

namespace argosy {

void text_tower::add_specs(std::vector<parameter_spec>& specs, const std::string& name, const std::string& tokens, bool own_tokens,
                           std::int64_t vocabulary, int longest, const encoder::shape& shape, double deviation) {
  if (own_tokens) specs.push_back({tokens, vocabulary, shape.hidden, initial::normal, deviation, true});
  specs.push_back({name + ".position", longest, shape.hidden, initial::normal, deviation, true});
  specs.push_back({name + ".type", 1, shape.hidden, initial::normal, deviation, true});
  add_norm_specs(specs, name + ".embedding_ln", shape.hidden);
  encoder::add_specs(specs, name, shape, deviation);
}

text_tower text_tower::bind(const parameters& all, const std::string& name, const std::string& tokens, const encoder::shape& shape) {
  text_tower made;
  const auto place = [&](const std::string& of, view& value, view& gradient) {
    value = all.at(of).value;
    gradient = all.at(of).gradient;
  };
  place(tokens, made.token_, made.d_token_);
  place(name + ".position", made.position_, made.d_position_);
  place(name + ".type", made.type_, made.d_type_);
  made.norm_ = norm_of(all, name + ".embedding_ln");
  made.encoder_ = encoder::bind(all, name, shape);
  made.hidden_ = shape.hidden;
  return made;
}

result<const_view> text_tower::forward(device& on, const packed_text& text, const pass_context& context, bool first_rows_alone) {
  const auto rows = static_cast<std::int64_t>(text.token.size());
  place_.clear(), pair_.clear(), first_row_.clear();
  for (std::size_t b = 0; b < text.size(); ++b) {
    const auto first = text.offset[b], last = text.offset[b + 1];
    first_row_.push_back(first < last ? first : -1);
    for (auto row = first; row < last; ++row) {
      place_.push_back(row - first);
      pair_.push_back(context.pair_of(b));
    }
  }
  zero_.assign(text.token.size(), 0);
  first_rows_alone_ = first_rows_alone;
  drop_ = {context.dropout, context.seed, static_cast<std::uint32_t>(context.step), context.first_site, pair_, place_};

  ARGOSY_TRY(encoder_.resize(on, rows));
  if (rows == 0) return const_view{};
  ARGOSY_TRY(normalised_.resize_rows(on, rows, hidden_));
  ARGOSY_TRY(rstd_.resize(on, 1, rows));
  const auto x = encoder_.input();
  ARGOSY_TRY(move_rows(on, {token_, text.token, {}, false}, x));
  ARGOSY_TRY(move_rows(on, {position_, place_, {}, true}, x));
  ARGOSY_TRY(move_rows(on, {type_, zero_, {}, true}, x));
  ARGOSY_TRY(layer_norm_forward(on, {x, {}, norm_.gain, norm_.bias, layer_norm_eps}, x, {normalised_, rstd_}));
  if (drop_.rate != 0) ARGOSY_TRY(dropout(on, dropout_at(drop_, 0), x));
  auto inner = drop_;
  ++inner.first_site;
  return encoder_.forward(on, text.offset, inner,
                          first_rows_alone ? std::span<const std::int32_t>(first_row_) : std::span<const std::int32_t>());
}

status text_tower::backward(device& on, const packed_text& text, view d_y, const gradients_complete& complete) {
  if (d_y.rows == 0) return {};
  auto inner = drop_;
  ++inner.first_site;
  view d = d_y;
  if (first_rows_alone_) {
    ARGOSY_TRY(d_rows_.resize_rows(on, static_cast<std::int64_t>(text.token.size()), hidden_));
    d = d_rows_;
  }
  ARGOSY_TRY(encoder_.backward(on, text.offset, inner, d_y, d, complete));
  if (drop_.rate != 0) ARGOSY_TRY(dropout(on, dropout_at(drop_, 0), d));
  ARGOSY_TRY(layer_norm_backward(on, {normalised_, {}, norm_.gain, norm_.bias, layer_norm_eps}, {normalised_, rstd_}, d,
                                 {d, norm_.d_gain, norm_.d_bias}));
  ARGOSY_TRY(move_rows(on, {d, {}, text.token, true}, d_token_));
  ARGOSY_TRY(move_rows(on, {d, {}, place_, true}, d_position_));
  return move_rows(on, {d, {}, zero_, true}, d_type_);
}

}  // namespace argosy

#include <algorithm>
#include <numeric>

#include "data/image.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/rows.hpp"
#include "model/towers.hpp"

namespace argosy {
namespace {

constexpr int rows_per_image = patches_per_image + 1;
// A byte becomes a number of about unit size: (byte - 128) / 64 (ours).
constexpr double pixel_scale = 1.0 / 64, pixel_shift = -2;

// (patches, patch width) as the linear map takes them: features of a backbone as they are.
status read_patches(device& on, const packed_images& images, view to) {
  if (!images.feature.empty()) return from_halves(on, images.feature, to);
  return from_bytes(on, images.patch, pixel_scale, pixel_shift, to);
}

}  // namespace

void image_tower::add_specs(std::vector<parameter_spec>& specs, const std::string& name, std::int64_t patch_width,
                            const encoder::shape& shape, double deviation) {
  add_linear_specs(specs, name + ".patch", shape.hidden, patch_width, deviation);
  specs.push_back({name + ".cls", 1, shape.hidden, initial::normal, deviation, true});
  specs.push_back({name + ".position", rows_per_image, shape.hidden, initial::normal, deviation, true});
  specs.push_back({name + ".type", 1, shape.hidden, initial::normal, deviation, true});
  add_norm_specs(specs, name + ".embedding_ln", shape.hidden);
  encoder::add_specs(specs, name, shape, deviation);
}

image_tower image_tower::bind(const parameters& all, const std::string& name, const encoder::shape& shape) {
  image_tower made;
  const auto place = [&](const std::string& of, view& value, view& gradient) {
    value = all.at(name + of).value;
    gradient = all.at(name + of).gradient;
  };
  made.patch_ = slot_of(all, name + ".patch");
  place(".cls", made.cls_, made.d_cls_);
  place(".position", made.position_, made.d_position_);
  place(".type", made.type_, made.d_type_);
  made.norm_ = norm_of(all, name + ".embedding_ln");
  made.encoder_ = encoder::bind(all, name, shape);
  made.hidden_ = shape.hidden;
  return made;
}

void image_tower::lay_out(const packed_images& images, const pass_context& context) {
  offset_.assign(1, 0);
  place_.clear(), pair_.clear(), first_row_.clear(), cls_row_.clear(), patch_row_.clear();
  for (std::size_t b = 0; b < images.size(); ++b) {
    const auto first = offset_.back();
    const bool there = images.present[b] != 0;
    first_row_.push_back(there ? first : -1);
    offset_.push_back(there ? first + rows_per_image : first);
    if (!there) continue;
    cls_row_.push_back(first);
    for (int row = 0; row < rows_per_image; ++row) {
      if (row > 0) patch_row_.push_back(first + row);
      place_.push_back(row);
      pair_.push_back(context.pair_of(b));
    }
  }
  zero_.assign(place_.size(), 0);
  drop_ = {context.dropout, context.seed, static_cast<std::uint32_t>(context.step), context.first_site, pair_, place_};
}

result<const_view> image_tower::forward(device& on, const packed_images& images, std::span<const std::int32_t> masked,
                                        const pass_context& context) {
  lay_out(images, context);
  masked_.assign(masked.begin(), masked.end());
  masked_row_.clear();
  for (const std::int32_t patch : masked) masked_row_.push_back(patch_row_[static_cast<std::size_t>(patch)]);
  const auto rows = static_cast<std::int64_t>(place_.size()), patches = static_cast<std::int64_t>(patch_row_.size());
  ARGOSY_TRY(encoder_.resize(on, rows));
  if (rows == 0) return const_view{};
  ARGOSY_TRY(pixels_.resize_rows(on, patches, patch_.weight.cols));
  ARGOSY_TRY(embedded_.resize_rows(on, patches, hidden_));
  ARGOSY_TRY(normalised_.resize_rows(on, rows, hidden_));
  ARGOSY_TRY(rstd_.resize(on, 1, rows));
  ARGOSY_TRY(read_patches(on, images, pixels_));
  ARGOSY_TRY(argosy::forward(on, patch_, pixels_, embedded_));
  const auto x = encoder_.input();
  const auto first_zeros = std::span<const std::int32_t>(zero_).first(cls_row_.size());
  ARGOSY_TRY(move_rows(on, {embedded_, {}, patch_row_, false}, x));
  ARGOSY_TRY(hide_masked(on, x));
  ARGOSY_TRY(move_rows(on, {cls_, first_zeros, cls_row_, false}, x));
  ARGOSY_TRY(move_rows(on, {position_, place_, {}, true}, x));
  ARGOSY_TRY(move_rows(on, {type_, zero_, {}, true}, x));
  ARGOSY_TRY(layer_norm_forward(on, {x, {}, norm_.gain, norm_.bias, layer_norm_eps}, x, {normalised_, rstd_}));
  if (drop_.rate != 0) ARGOSY_TRY(dropout(on, dropout_at(drop_, 0), x));
  auto inner = drop_;
  ++inner.first_site;
  return encoder_.forward(on, offset_, inner);
}

// A row of zeros maps to the bias, and gives the weight no gradient.
status image_tower::hide_masked(device& on, view x) {
  if (masked_.empty()) return {};
  const std::vector<std::int32_t> bias(masked_.size(), 0), nothing(masked_.size(), -1);
  ARGOSY_TRY(move_rows(on, {patch_.bias, bias, masked_row_, false}, x));
  return move_rows(on, {pixels_, nothing, masked_, false}, pixels_);
}

status image_tower::backward(device& on, view d, const gradients_complete& complete) {
  if (d.rows == 0) return {};
  auto inner = drop_;
  ++inner.first_site;
  ARGOSY_TRY(encoder_.backward(on, offset_, inner, d, d, complete));
  if (drop_.rate != 0) ARGOSY_TRY(dropout(on, dropout_at(drop_, 0), d));
  ARGOSY_TRY(layer_norm_backward(on, {normalised_, {}, norm_.gain, norm_.bias, layer_norm_eps}, {normalised_, rstd_}, d,
                                 {d, norm_.d_gain, norm_.d_bias}));
  const auto first_zeros = std::span<const std::int32_t>(zero_).first(cls_row_.size());
  ARGOSY_TRY(move_rows(on, {d, {}, place_, true}, d_position_));
  ARGOSY_TRY(move_rows(on, {d, {}, zero_, true}, d_type_));
  ARGOSY_TRY(move_rows(on, {d, cls_row_, first_zeros, true}, d_cls_));
  ARGOSY_TRY(d_embedded_.resize_rows(on, embedded_.rows(), hidden_));
  ARGOSY_TRY(move_rows(on, {d, patch_row_, {}, false}, d_embedded_));
  return argosy::backward(on, patch_, pixels_, d_embedded_, {});
}

}  // namespace argosy

#include "data/prepare_features.hpp"

#include <algorithm>

#include "data/half.hpp"
#include "data/image.hpp"

namespace argosy {
namespace {

constexpr std::size_t images_at_once = 4;  // between two looks at the stop token

}  // namespace

result<feature_stage> feature_stage::open(const prepare_context& context) {
  const auto& options = context.options;
  auto earlier = prepared_data::open(options.reuse.empty() ? options.out : options.reuse);
  if (!earlier.ok() && !options.reuse.empty()) return earlier.failure();
  if (!earlier.ok()) return feature_stage(context, {});
  return feature_stage(context,
                       feature_cache::of(std::move(*earlier), options.backbone->about(), options.image_width, options.image_height));
}

status feature_stage::begin(container_writer& to) {
  tell(0);
  return to.begin("feature", element::u16);
}

feature_stage::halves feature_stage::found_or_empty(const std::vector<std::uint8_t>& patches) {
  const image_key key = key_of(patches);
  keys_.push_back(key.low);
  keys_.push_back(key.high);
  const auto found = cache_.find(key);
  return found ? halves(found->begin(), found->end()) : halves{};
}

status feature_stage::append(std::span<const std::vector<std::uint8_t>* const> images, container_writer& to) {
  std::vector<halves> rows;
  for (const auto* image : images) rows.push_back(found_or_empty(*image));
  std::vector<const std::vector<std::uint8_t>*> wanted;
  std::vector<halves*> places;
  for (std::size_t i = 0; i < images.size(); ++i)
    if (rows[i].empty()) {
      wanted.push_back(images[i]);
      places.push_back(&rows[i]);
    }
  context_->report.features_reused += images.size() - wanted.size();
  tell(images.size() - wanted.size());
  for (std::size_t first = 0; first < wanted.size(); first += images_at_once) {
    const std::size_t count = std::min(images_at_once, wanted.size() - first);
    ARGOSY_TRY(context_->check_stop());
    ARGOSY_TRY(compute(std::span(wanted).subspan(first, count), std::span(places).subspan(first, count)));
    tell(count);
  }
  for (const auto& row : rows) ARGOSY_TRY(to.append(std::span<const std::uint16_t>(row)));
  return {};
}

status feature_stage::compute(std::span<const std::vector<std::uint8_t>* const> images, std::span<halves* const> rows) {
  auto& backbone = *context_->options.backbone;
  const auto each = static_cast<std::size_t>(patches_per_image) * static_cast<std::size_t>(backbone.about().features);
  patches_.clear();
  for (const auto* image : images) patches_.insert(patches_.end(), image->begin(), image->end());
  features_.resize(images.size() * each);
  ARGOSY_TRY(backbone.compute(patches_, context_->options.image_width / 4, context_->options.image_height / 4, features_));
  for (std::size_t i = 0; i < rows.size(); ++i) ARGOSY_TRY(round(std::span(features_).subspan(i * each, each), *rows[i]));
  context_->report.features_computed += images.size();
  return {};
}

status feature_stage::round(std::span<const float> features, halves& to) const {
  for (const float x : features) {
    if (!fits_half(x))
      return {errc::out_of_range, "backbone " + context_->options.backbone->about().name + ": want features of at most " +
                                      std::to_string(largest_half) + ", got " + std::to_string(x) +
                                      ": its weights are not those of a trained network"};
    to.push_back(half_of(x));
  }
  return {};
}

void feature_stage::tell(std::uint64_t more) {
  done_ += more;
  if (context_->progress) context_->progress({"features", done_, context_->report.images_named, "images"});
}

status feature_stage::end(container_writer& to) const { return to.add("feature_key", std::span<const std::uint64_t>(keys_)); }

}  // namespace argosy

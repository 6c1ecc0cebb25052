#include "data/feature_cache.hpp"

#include <xxhash.h>

#include <utility>

#include "schema/folder.hpp"

namespace argosy {

std::string text_of(const patch_backbone& of) {
  if (of.none()) return "pixels";
  return of.name + " (weights " + hex_text(of.checksum) + ", side " + std::to_string(of.side) + ")";
}

image_key key_of(std::span<const std::uint8_t> patches) noexcept {
  const XXH128_hash_t hash = XXH3_128bits(patches.data(), patches.size());
  return {hash.low64, hash.high64};
}

feature_cache feature_cache::of(prepared_data data, const patch_backbone& backbone, int image_width, int image_height) {
  feature_cache made;
  if (data.backbone() != backbone || data.image_width() != image_width || data.image_height() != image_height) return made;
  for (std::uint64_t product = 0; product < data.products(); ++product)
    if (const auto key = data.feature_key(product)) made.product_.emplace(*key, product);
  made.data_ = std::move(data);
  return made;
}

std::optional<std::span<const std::uint16_t>> feature_cache::find(const image_key& key) const {
  const auto found = product_.find(key);
  if (found == product_.end()) return std::nullopt;
  const auto features = data_->features(found->second);
  if (!features.ok()) return std::nullopt;
  return *features;
}

}  // namespace argosy

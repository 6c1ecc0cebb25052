#include "data/masks.hpp"

#include "base/check.hpp"
#include "data/image.hpp"

namespace argosy {
namespace {

// Three draws a place: whether it is chosen, what becomes of it, which piece it becomes.
constexpr std::uint32_t draws_a_place = 4;

std::int32_t replacement(std::int32_t piece, draw_key key, std::uint32_t pair, std::uint32_t first_draw, const word_mask& how) {
  const float fate = random_uniform(key, pair, first_draw + 1);
  if (fate < .8f) return how.mask_piece;
  if (fate >= .9f) return piece;
  return static_cast<std::int32_t>(random_bits(key, pair, first_draw + 2) % static_cast<std::uint32_t>(how.vocabulary));
}

}  // namespace

masked_text mask_words(const packed_text& text, std::span<const std::uint32_t> pair, draw_key key, const word_mask& how) {
  ARGOSY_CHECK(pair.size() == text.size() && how.vocabulary > 0);
  masked_text masked{text, {}, {}};
  for (std::size_t b = 0; b < text.size(); ++b) {
    for (std::int32_t row = text.offset[b] + 1; row < text.offset[b + 1]; ++row) {
      const auto first_draw = draws_a_place * static_cast<std::uint32_t>(row - text.offset[b]);
      if (!(random_uniform(key, pair[b], first_draw) < static_cast<float>(how.rate))) continue;
      auto& piece = masked.text.token[static_cast<std::size_t>(row)];
      masked.row.push_back(row);
      masked.piece.push_back(piece);
      piece = replacement(piece, key, pair[b], first_draw, how);
    }
  }
  return masked;
}

std::vector<std::int32_t> mask_patches(const packed_images& images, std::span<const std::uint32_t> pair, draw_key key, double rate) {
  ARGOSY_CHECK(pair.size() == images.size());
  std::vector<std::int32_t> chosen;
  std::int32_t first = 0;
  for (std::size_t b = 0; b < images.size(); ++b) {
    if (images.present[b] == 0) continue;
    for (int place = 0; place < patches_per_image; ++place)
      if (random_uniform(key, pair[b], static_cast<std::uint32_t>(place)) < static_cast<float>(rate)) chosen.push_back(first + place);
    first += patches_per_image;
  }
  return chosen;
}

}  // namespace argosy

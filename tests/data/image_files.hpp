// Encoded pictures of every kind that a catalogue may hold, for tests of decoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data/image.hpp"

namespace argosy::test {

using file_bytes = std::vector<std::byte>;

// Colours that no codec can guess: the same for the same size.
image noise(int width, int height);

struct png_kind {
  int bit_depth, colour_type;                 // PNG_COLOR_TYPE_*
  std::vector<std::uint8_t> palette{};        // (entries, 3)
  std::vector<std::uint8_t> palette_alpha{};  // (entries)
};
// `samples` as PNG stores them: rows end to end, 16 bits big-endian.
file_bytes png(int width, int height, const png_kind&, std::span<const std::uint8_t> samples);
file_bytes png(const image&);

struct jpeg_kind {
  int components;  // 1 grey, 4 inks
  bool adobe_marker = false;
  bool scan_for_each_coefficient = false;
};
file_bytes jpeg(int width, int height, const jpeg_kind&, std::span<const std::uint8_t> samples);

// Lossless; rgba (height, width, 4).
file_bytes webp(int width, int height, std::span<const std::uint8_t> rgba);
file_bytes lossy_webp(const image&);

}  // namespace argosy::test

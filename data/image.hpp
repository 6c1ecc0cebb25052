// Photographs: decoding JPEG, PNG and WebP to 8-bit RGB, resizing, cutting into patches. method.md, section 1.
// Never trusts a header: width * height is checked against a limit before any pixel is decoded (decompression bombs), and
// the format is told from the bytes, not from the name. Grey and palettes become RGB, transparency is laid over white.
// Threads   functions without state.
// Errors    corrupt for broken files, out_of_range beyond limits; nothing is ever partly decoded.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.hpp"

namespace argosy {

struct image {
  int width = 0, height = 0;
  std::vector<std::uint8_t> rgb;  // (height, width, 3)
};

struct image_limits {
  std::uint64_t pixels = 50'000'000;
  std::uint64_t bytes = 64u << 20;
};

result<image> decode_image(std::span<const std::byte>, const image_limits& = {});
// Area average when shrinking, bilinear when growing; the whole picture is stretched to the new size.
image resize(const image&, int width, int height);
// 4 x 4 patches, row-major, each height/4 x width/4 pixels; the remainder at the right and the bottom is dropped.
// (16, height/4 * width/4 * 3); a patch is (rows, columns, channels).
std::vector<std::uint8_t> cut_patches(const image&);
constexpr int patches_per_image = 16;
constexpr int patch_bytes(int width, int height) noexcept { return (width / 4) * (height / 4) * 3; }

// For the demo shop.
result<std::vector<std::byte>> encode_jpeg(const image&, int quality);

}  // namespace argosy

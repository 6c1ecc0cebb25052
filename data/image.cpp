#include "data/image.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"

namespace argosy {
namespace {

// How much each source pixel weighs in one output pixel along one axis.
struct axis_weights {
  int first = 0;
  std::vector<float> weight;
};

// The part of the source interval [from, to) that each pixel covers: an area average.
axis_weights covering(double from, double to, int size) {
  axis_weights w;
  w.first = static_cast<int>(from);
  const int last = std::min(size, static_cast<int>(std::ceil(to)));
  for (int i = w.first; i < last; ++i)
    w.weight.push_back(static_cast<float>((std::min<double>(i + 1, to) - std::max<double>(i, from)) / (to - from)));
  return w;
}

// The two neighbours of a point between pixel centres: bilinear.
axis_weights between(double centre, int size) {
  const double at = std::clamp(centre - .5, 0.0, static_cast<double>(size - 1));
  axis_weights w;
  w.first = static_cast<int>(at);
  const auto right = static_cast<float>(at - w.first);
  w.weight = right > 0 ? std::vector<float>{1 - right, right} : std::vector<float>{1};
  return w;
}

std::vector<axis_weights> weights_along(int from, int to) {
  std::vector<axis_weights> all;
  const double step = static_cast<double>(from) / to;
  for (int i = 0; i < to; ++i) all.push_back(to < from ? covering(i * step, (i + 1) * step, from) : between((i + .5) * step, from));
  return all;
}

std::uint8_t rounded(float x) { return static_cast<std::uint8_t>(std::clamp(std::lround(x), 0L, 255L)); }

}  // namespace

image resize(const image& from, int width, int height) {
  ARGOSY_CHECK(width > 0 && height > 0 && from.width > 0 && from.height > 0);
  if (from.width == width && from.height == height) return from;
  const auto across = weights_along(from.width, width), down = weights_along(from.height, height);
  std::vector<float> narrow(static_cast<std::size_t>(from.height) * static_cast<std::size_t>(width) * 3);
  for (int y = 0; y < from.height; ++y) {
    for (int x = 0; x < width; ++x) {
      const auto& w = across[static_cast<std::size_t>(x)];
      float* out = &narrow[(static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)) * 3];
      const auto* in =
          &from.rgb[(static_cast<std::size_t>(y) * static_cast<std::size_t>(from.width) + static_cast<std::size_t>(w.first)) * 3];
      for (const float share : w.weight)
        for (int c = 0; c < 3; ++c) out[c] += share * static_cast<float>(*in++);
    }
  }
  image to{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3)};
  const auto row = static_cast<std::size_t>(width) * 3;
  for (int y = 0; y < height; ++y) {
    const auto& w = down[static_cast<std::size_t>(y)];
    for (std::size_t i = 0; i < row; ++i) {
      float sum = 0;
      for (std::size_t k = 0; k < w.weight.size(); ++k) sum += w.weight[k] * narrow[(static_cast<std::size_t>(w.first) + k) * row + i];
      to.rgb[static_cast<std::size_t>(y) * row + i] = rounded(sum);
    }
  }
  return to;
}

std::vector<std::uint8_t> cut_patches(const image& whole) {
  const int patch_w = whole.width / 4, patch_h = whole.height / 4;
  std::vector<std::uint8_t> out;
  out.reserve(static_cast<std::size_t>(patches_per_image) * static_cast<std::size_t>(patch_bytes(whole.width, whole.height)));
  for (int patch = 0; patch < patches_per_image; ++patch) {
    for (int y = patch / 4 * patch_h; y < (patch / 4 + 1) * patch_h; ++y) {
      const auto* row =
          &whole.rgb[(static_cast<std::size_t>(y) * static_cast<std::size_t>(whole.width) + static_cast<std::size_t>(patch % 4 * patch_w)) *
                     3];
      out.insert(out.end(), row, row + patch_w * 3);
    }
  }
  return out;
}

}  // namespace argosy

// What the demo shop says in words, English and Chinese. Private to data.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "data/demo_shop.hpp"

namespace argosy {

enum class tongue : std::uint8_t { english, chinese };

// One thing, and how people call it; the first name is the one in titles.
struct demo_term {
  std::array<std::string_view, 3> english;  // unused places are empty
  std::string_view chinese;
};

struct demo_paint {
  demo_term name;
  std::array<int, 3> rgb;
};

constexpr std::size_t demo_colours = 11, demo_kinds = 12, demo_brands = 20;

const demo_paint& demo_colour(std::size_t);
const demo_term& demo_kind(demo_product::shape);
const demo_term& demo_pattern(demo_product::pattern);
const demo_term& demo_sleeve(demo_product::sleeve);
const demo_term& demo_neck(demo_product::neck);
const demo_term& demo_brand(std::size_t);
std::span<const demo_term> demo_audiences();
std::span<const demo_term> demo_materials();
std::span<const demo_term> demo_lines();

}  // namespace argosy

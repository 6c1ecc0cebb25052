// Photographs of the demo shop. All arithmetic is in whole numbers, so that a seed gives the same pixels on every machine.
// A picture is a list of layers, the first on top; a pixel asks 3 x 3 points which layer they lie in.
// Units     the frame is 750 wide and 1000 high, whatever its pixels; colours 0 .. 255.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "base/random.hpp"
#include "data/demo_shop.hpp"
#include "data/demo_words.hpp"

namespace argosy {
namespace {

constexpr std::int64_t frame_width = 750, frame_height = 1000, middle = frame_width / 2;
constexpr int samples = 3;

struct point {
  std::int64_t x, y;
};
using outline = std::vector<point>;

enum class paint : std::uint8_t { cloth, second, dark, light, metal, inside };

struct layer {
  paint colour;
  outline polygon;  // or, when empty, an ellipse ring
  point centre{0, 0}, radius{1, 1}, hole{0, 0};
  point low{0, 0}, high{0, 0};  // corners of the box that holds it: bounded()
};

layer bounded(layer l) {
  l.low = {l.centre.x - l.radius.x, l.centre.y - l.radius.y};
  l.high = {l.centre.x + l.radius.x, l.centre.y + l.radius.y};
  if (l.polygon.empty()) return l;
  const auto [left, right] = std::ranges::minmax(l.polygon, {}, &point::x);
  const auto [top, bottom] = std::ranges::minmax(l.polygon, {}, &point::y);
  l.low = {left.x, top.y};
  l.high = {right.x, bottom.y};
  return l;
}

bool inside_polygon(const outline& polygon, point p) {
  bool in = false;
  for (std::size_t i = 0, j = polygon.size() - 1; i < polygon.size(); j = i++) {
    const auto a = polygon[i], b = polygon[j];
    if ((a.y > p.y) == (b.y > p.y)) continue;
    const auto crossing = (b.x - a.x) * (p.y - a.y) - (p.x - a.x) * (b.y - a.y);
    if ((crossing > 0) == (b.y > a.y)) in = !in;
  }
  return in;
}

bool inside_ellipse(point centre, point radius, point p) {
  const auto x = p.x - centre.x, y = p.y - centre.y;
  return x * x * radius.y * radius.y + y * y * radius.x * radius.x <= radius.x * radius.x * radius.y * radius.y;
}

bool covers(const layer& l, point p) {
  if (p.x < l.low.x || p.x > l.high.x || p.y < l.low.y || p.y > l.high.y) return false;
  if (!l.polygon.empty()) return inside_polygon(l.polygon, p);
  return inside_ellipse(l.centre, l.radius, p) && (l.hole.x == 0 || !inside_ellipse(l.centre, l.hole, p));
}

// The right half given from top to bottom, and its mirror image.
outline mirrored(const outline& right) {
  outline whole = right;
  for (std::size_t i = right.size(); i-- > 0;) whole.push_back({frame_width - right[i].x, right[i].y});
  return whole;
}

outline flipped(outline side) {
  for (auto& p : side) p.x = frame_width - p.x;
  return side;
}

layer shape_of(paint colour, outline polygon) { return {colour, std::move(polygon)}; }
layer ellipse(paint colour, point centre, point radius, point hole = {0, 0}) { return {colour, {}, centre, radius, hole}; }
layer box(paint colour, std::int64_t left, std::int64_t top, std::int64_t right, std::int64_t bottom) {
  return shape_of(colour, {{left, top}, {right, top}, {right, bottom}, {left, bottom}});
}

using layers = std::vector<layer>;

void add_both_sides(layers& to, paint colour, const outline& right) {
  to.push_back(shape_of(colour, right));
  to.push_back(shape_of(colour, flipped(right)));
}

void add_neck(layers& to, demo_product::neck neck) {
  switch (neck) {
    case demo_product::neck::round: return to.push_back(ellipse(paint::inside, {middle, 190}, {85, 48}));
    case demo_product::neck::v: return to.push_back(shape_of(paint::inside, mirrored({{460, 172}, {middle, 330}})));
    case demo_product::neck::collar:
      add_both_sides(to, paint::light, {{middle, 235}, {385, 165}, {465, 160}, {480, 235}, {425, 270}});
      return to.push_back(box(paint::dark, 371, 240, 379, 420));
  }
}

void add_sleeves(layers& to, demo_product::sleeve sleeve) {
  if (sleeve == demo_product::sleeve::short_) add_both_sides(to, paint::cloth, {{540, 190}, {690, 340}, {600, 420}, {530, 340}});
  if (sleeve == demo_product::sleeve::long_)
    add_both_sides(to, paint::cloth, {{540, 190}, {640, 280}, {715, 760}, {630, 780}, {560, 430}, {530, 360}});
}

layers garment(const demo_product& p, const outline& right_of_body) {
  layers all;
  add_neck(all, p.neckline);
  if (p.kind == demo_product::shape::jacket) {
    all.push_back(box(paint::dark, 368, 250, 382, 800));
    add_both_sides(all, paint::dark, {{430, 600}, {520, 590}, {520, 610}, {430, 620}});
  }
  all.push_back(shape_of(paint::cloth, mirrored(right_of_body)));
  add_sleeves(all, p.arms);
  return all;
}

layers footwear(const demo_product& p) {
  layers all;
  const outline low{{90, 560}, {250, 540}, {330, 620}, {480, 680}, {640, 700}, {680, 760}, {680, 790}, {90, 790}};
  const outline high{{110, 250}, {330, 250}, {330, 600}, {480, 680}, {640, 700}, {680, 760}, {680, 790}, {110, 790}};
  switch (p.kind) {
    case demo_product::shape::boot:
      all.push_back(box(paint::dark, 90, 790, 690, 830));
      all.push_back(box(paint::dark, 90, 790, 230, 870));
      all.push_back(box(paint::second, 110, 250, 330, 300));
      all.push_back(shape_of(paint::cloth, high));
      break;
    case demo_product::shape::sandal:
      all.push_back(shape_of(paint::cloth, {{150, 560}, {220, 540}, {330, 770}, {250, 790}}));
      all.push_back(shape_of(paint::cloth, {{430, 780}, {520, 640}, {590, 660}, {520, 790}}));
      all.push_back(box(paint::second, 170, 600, 520, 640));
      all.push_back(shape_of(paint::dark, {{90, 770}, {690, 770}, {690, 830}, {90, 850}}));
      break;
    default:
      for (int i = 0; i < 3; ++i)
        all.push_back(shape_of(
            paint::light,
            {{300 + 55 * i, 590 + 30 * i}, {345 + 55 * i, 570 + 30 * i}, {355 + 55 * i, 590 + 30 * i}, {310 + 55 * i, 612 + 30 * i}}));
      all.push_back(box(paint::light, 80, 785, 700, 840));
      all.push_back(shape_of(paint::second, {{150, 640}, {330, 680}, {420, 785}, {260, 785}}));
      all.push_back(shape_of(paint::cloth, low));
  }
  return all;
}

layers bag(const demo_product& p) {
  layers all;
  if (p.kind == demo_product::shape::backpack) {
    all.push_back(ellipse(paint::dark, {middle, 160}, {60, 60}, {38, 38}));
    all.push_back(box(paint::second, 215, 560, 535, 800));
    all.push_back(box(paint::dark, 215, 590, 535, 602));
    all.push_back(box(paint::dark, 175, 420, 575, 432));
    add_both_sides(all, paint::dark, {{590, 300}, {660, 420}, {650, 760}, {600, 760}});
    all.push_back(shape_of(paint::cloth, mirrored({{480, 170}, {580, 280}, {600, 860}})));
  } else {
    all.push_back(box(paint::metal, 350, 520, 400, 590));
    all.push_back(box(paint::second, 120, 470, 630, 530));
    all.push_back(shape_of(paint::cloth, mirrored({{600, 440}, {680, 850}})));
    all.push_back(ellipse(paint::second, {middle, 450}, {190, 260}, {155, 225}));
  }
  return all;
}

layers watch(const demo_product& p) {
  layers all;
  const bool square = p.print == demo_product::pattern::checks;
  all.push_back(box(paint::dark, 369, 410, 381, 505));
  all.push_back(shape_of(paint::dark, {{middle, 494}, {470, 470}, {474, 484}, {middle, 508}}));
  all.push_back(square ? box(paint::second, 255, 350, 495, 650) : ellipse(paint::second, {middle, 500}, {140, 150}));
  all.push_back(square ? box(paint::metal, 225, 320, 525, 680) : ellipse(paint::metal, {middle, 500}, {180, 190}));
  all.push_back(box(paint::metal, 540, 480, 580, 520));
  all.push_back(box(paint::cloth, 285, 40, 465, 960));
  return all;
}

layers picture_of(const demo_product& p) {
  using shape = demo_product::shape;
  switch (p.kind) {
    case shape::t_shirt: return garment(p, {{450, 170}, {550, 195}, {545, 420}, {535, 830}});
    case shape::shirt: return garment(p, {{450, 165}, {555, 195}, {550, 420}, {560, 870}});
    case shape::jacket: return garment(p, {{455, 160}, {570, 190}, {575, 420}, {580, 820}});
    case shape::dress: return garment(p, {{450, 165}, {545, 190}, {500, 430}, {495, 500}, {660, 940}});
    case shape::trousers: {
      layers all{box(paint::second, 225, 90, 525, 140)};
      add_both_sides(all, paint::cloth, {{middle, 100}, {525, 100}, {575, 930}, {440, 930}, {middle, 360}});
      return all;
    }
    case shape::skirt: return {box(paint::second, 235, 220, 515, 275), shape_of(paint::cloth, mirrored({{515, 230}, {650, 820}}))};
    case shape::handbag:
    case shape::backpack: return bag(p);
    case shape::shoe:
    case shape::boot:
    case shape::sandal: return footwear(p);
    case shape::watch: return watch(p);
  }
  return {};
}

// Whether the pattern shows its second colour there.
bool second_colour_at(demo_product::pattern print, point p) {
  const auto cell = [](std::int64_t v, std::int64_t size) { return v / size; };
  switch (print) {
    case demo_product::pattern::plain: return false;
    case demo_product::pattern::stripes: return cell(p.y, 55) % 2 == 0;
    case demo_product::pattern::checks: return (cell(p.x, 60) + cell(p.y, 60)) % 2 == 0;
    case demo_product::pattern::dots: {
      const auto shift = cell(p.y, 90) % 2 == 0 ? 0 : 45;
      const auto x = (p.x + shift) % 90 - 45, y = p.y % 90 - 45;
      return x * x + y * y < 22 * 22;
    }
    case demo_product::pattern::floral: {
      const auto shift = cell(p.y, 150) % 2 == 0 ? 0 : 75;
      const auto x = (p.x + shift) % 150 - 75, y = p.y % 150 - 75;
      const auto petal = [&](std::int64_t cx, std::int64_t cy) { return (x - cx) * (x - cx) + (y - cy) * (y - cy) < 24 * 24; };
      return petal(30, 0) || petal(-30, 0) || petal(0, 30) || petal(0, -30);
    }
  }
  return false;
}

using colour = std::array<int, 3>;

struct palette {
  colour cloth, second;
};

colour jittered(colour of, std::uint64_t seed, std::uint32_t salt) {
  const auto bits = philox(seed, {salt, 0, 0, 0});
  for (std::size_t c = 0; c < 3; ++c) of[c] = std::clamp(of[c] + static_cast<int>(bits[c] % 25) - 12, 8, 247);
  return of;
}

colour colour_of(const layer& l, const demo_product& p, const palette& with, point at) {
  switch (l.colour) {
    case paint::cloth:
      return second_colour_at(p.kind == demo_product::shape::watch ? demo_product::pattern::plain : p.print, at) ? with.second : with.cloth;
    case paint::second: return {with.cloth[0] * 3 / 4, with.cloth[1] * 3 / 4, with.cloth[2] * 3 / 4};
    case paint::dark: return {45, 42, 44};
    case paint::light: return {236, 234, 230};
    case paint::metal: return {176, 174, 168};
    case paint::inside: return {with.cloth[0] / 2, with.cloth[1] / 2, with.cloth[2] / 2};
  }
  return {};
}

// A light from the upper left, folds, and the grain of a camera.
int lit(int value, point at, int grain) {
  const auto fold = std::abs((at.x * 3 + at.y) % 220 - 110);
  return static_cast<int>(value * (1010 - at.x / 6 - at.y / 16 + fold / 3) / 1000) + grain;
}

}  // namespace

image render(const demo_product& p, std::uint64_t seed, int width, int height) {
  auto parts = picture_of(p);
  std::ranges::transform(parts, parts.begin(), bounded);
  const palette with{jittered(demo_colour(p.colour).rgb, seed, 1), jittered(demo_colour(p.second_colour).rgb, seed, 2)};
  const auto bits = philox(seed, {3, 0, 0, 0});
  const point offset{static_cast<std::int64_t>(bits[0] % 41) - 20, static_cast<std::int64_t>(bits[1] % 41) - 20};
  const int background = 232 + static_cast<int>(bits[2] % 18);

  image out{width, height, {}};
  out.rgb.reserve(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      colour sum{0, 0, 0};
      const int grain = static_cast<int>(philox(seed, {static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(y), 7, 0})[0] % 7) - 3;
      for (int s = 0; s < samples * samples; ++s) {
        const point at{(2 * (x * samples + s % samples) + 1) * frame_width / (2 * samples * width) - offset.x,
                       (2 * (y * samples + s / samples) + 1) * frame_height / (2 * samples * height) - offset.y};
        const auto top = std::ranges::find_if(parts, [&](const layer& l) { return covers(l, at); });
        const bool product = top != parts.end();
        const bool shadow = !product && inside_ellipse({middle + 25, 900}, {300, 45}, at);
        const auto found = product ? colour_of(*top, p, with, at) : colour{background, background, background};
        for (std::size_t c = 0; c < 3; ++c) sum[c] += product ? lit(found[c], at, grain) : found[c] - (shadow ? 18 : 0) + grain / 2;
      }
      for (const int c : sum) out.rgb.push_back(static_cast<std::uint8_t>(std::clamp(c / (samples * samples), 0, 255)));
    }
  }
  return out;
}

}  // namespace argosy

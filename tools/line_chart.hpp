// A line chart as one SVG element, to stand inside an HTML page: axes with even ticks, lines, a band around each, a legend below of the lines that are there.
// Lines are told apart by colour (Okabe and Ito's palette, made for the colour-blind, without the yellow that white swallows) and by dashes.
// Long series are thinned: points are averaged in bins of equal numbers of points (ours), so noise shrinks and no line outgrows the page.
// A value that is not finite, or beyond 1e15, is a gap. Text is escaped. The same chart gives the same bytes.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace argosy {

struct chart_point {
  double x = 0, y = 0;
  double low = std::numeric_limits<double>::quiet_NaN();  // the band; NaN: none here
  double high = std::numeric_limits<double>::quiet_NaN();
};

struct chart_series {
  std::string name;
  std::vector<chart_point> points;  // x never falls
};

struct line_chart {
  std::string title;  // read aloud, not drawn
  std::string x_title, y_title;
  std::vector<chart_series> series;
  std::size_t most_points = 400;  // drawn of a series; at least 1
  bool x_from_zero = false;       // else from the first point
};

// "no figures" in place of the lines when there is no point to draw.
std::string svg_of(const line_chart&);

// At most `most` points: means over the points of a bin that can be drawn; a bin without one stays a gap.
std::vector<chart_point> thinned(std::span<const chart_point>, std::size_t most);

// Ticks stand at the multiples of `step` from low to high; `decimals` tells each from the next.
struct chart_axis {
  double low = 0, high = 1, step = 1;
  int decimals = 0;
  std::vector<double> ticks() const;
};
enum class axis_end { at_data, at_tick };
// About `intervals` steps of 1, 2 or 5 times a power of ten: Heckbert, "Nice numbers for graph labels", Graphics Gems, 1990.
// One value only, or nearly, is given room on both sides.
chart_axis nice_axis(double least, double most, int intervals, axis_end);

}  // namespace argosy

#include "tools/line_chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include "data/utf8.hpp"
#include "tools/format.hpp"
#include "tools/results_page.hpp"

namespace argosy {
namespace {

constexpr std::array<std::string_view, 7> colours{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"};
constexpr std::array<std::string_view, 5> dashes{"", "7 3", "2 3", "9 3 2 3", "4 2"};
constexpr double drawable_size = 1e15;
constexpr double gap = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t most_marked_points = 24;
constexpr double page_width = 760, letter_width = 7, legend_line = 20, legend_sample = 30, legend_gap = 22;

struct box {
  double left = 70, top = 12, width = 674, height = 250;
  double right() const { return left + width; }
  double bottom() const { return top + height; }
};

struct plot {
  box inside;
  chart_axis x, y;
  double across(double value) const { return inside.left + (value - x.low) / (x.high - x.low) * inside.width; }
  double down(double value) const { return inside.bottom() - (value - y.low) / (y.high - y.low) * inside.height; }
};

bool is_drawable(const chart_point& p) { return std::abs(p.x) <= drawable_size && std::abs(p.y) <= drawable_size; }
bool has_band(const chart_point& p) { return is_drawable(p) && std::abs(p.low) <= drawable_size && std::abs(p.high) <= drawable_size; }

std::string attribute(std::string_view name, double value) { return " " + std::string(name) + "=\"" + fixed(value, 2) + "\""; }
std::string attribute(std::string_view name, std::string_view value) {
  return value.empty() ? std::string() : " " + std::string(name) + "=\"" + escape_html(value) + "\"";
}

std::string colour_of(std::size_t series) { return std::string(colours[series % colours.size()]); }
std::string dash_of(std::size_t series) { return std::string(dashes[series % dashes.size()]); }

std::string tick_text(double value, const chart_axis& axis) {
  const double shown = std::abs(value) < axis.step / 2 ? 0 : value;
  return axis.decimals == 0 && shown >= 0 ? grouped(static_cast<std::uint64_t>(std::llround(shown))) : fixed(shown, axis.decimals);
}

std::string text_at(double x, double y, std::string_view anchor, std::string_view text, std::string_view more = {}) {
  return "<text" + attribute("x", x) + attribute("y", y) + attribute("text-anchor", anchor) + std::string(more) + ">" +
         escape_html(one_line(text)) + "</text>\n";
}

std::string line_between(double x1, double y1, double x2, double y2, std::string_view more) {
  return "<line" + attribute("x1", x1) + attribute("y1", y1) + attribute("x2", x2) + attribute("y2", y2) + std::string(more) + "/>\n";
}

struct extent {
  double least = std::numeric_limits<double>::infinity(), most = -std::numeric_limits<double>::infinity();
  void take(double value) { least = std::min(least, value), most = std::max(most, value); }
};

// Nothing when no point can be drawn.
std::optional<plot> plot_of(std::span<const chart_series> series, bool x_from_zero) {
  extent x, y;
  for (const auto& one : series) {
    for (const auto& p : one.points) {
      if (!is_drawable(p)) continue;
      x.take(p.x), y.take(p.y);
      if (has_band(p)) y.take(p.low), y.take(p.high);
    }
  }
  if (x.least > x.most) return std::nullopt;
  if (x_from_zero) x.take(0);
  return plot{{}, nice_axis(x.least, x.most, 7, axis_end::at_data), nice_axis(y.least, y.most, 5, axis_end::at_tick)};
}

std::string axes_svg(const plot& p, const line_chart& chart) {
  constexpr std::string_view grid = " stroke=\"#e6e2da\"", rule = " stroke=\"#8a847b\"";
  const box& in = p.inside;
  std::string svg;
  for (const double tick : p.y.ticks()) {
    const double y = p.down(tick);
    svg += line_between(in.left, y, in.right(), y, grid) + text_at(in.left - 8, y + 4, "end", tick_text(tick, p.y));
  }
  for (const double tick : p.x.ticks()) {
    const double x = p.across(tick);
    svg += line_between(x, in.bottom(), x, in.bottom() + 5, rule) + text_at(x, in.bottom() + 19, "middle", tick_text(tick, p.x));
  }
  const double middle = in.top + in.height / 2;
  return svg + line_between(in.left, in.bottom(), in.right(), in.bottom(), rule) +
         text_at(in.left + in.width / 2, in.bottom() + 38, "middle", chart.x_title) +
         text_at(14, middle, "middle", chart.y_title, " transform=\"rotate(-90 14 " + fixed(middle, 2) + ")\"");
}

// Stretches of neighbours that all pass.
template <class Passes>
std::vector<std::span<const chart_point>> stretches(std::span<const chart_point> points, Passes passes) {
  std::vector<std::span<const chart_point>> found;
  for (auto from = points.begin(); from != points.end();) {
    from = std::find_if(from, points.end(), passes);
    const auto to = std::find_if_not(from, points.end(), passes);
    if (from != to) found.emplace_back(from, to);
    from = to;
  }
  return found;
}

std::string corner(const plot& p, double x, double y) { return fixed(p.across(x), 2) + "," + fixed(p.down(y), 2) + " "; }

std::string band_svg(const plot& p, std::span<const chart_point> points, const std::string& colour) {
  std::string corners;
  for (const auto& at : points) corners += corner(p, at.x, at.high);
  for (auto at = points.rbegin(); at != points.rend(); ++at) corners += corner(p, at->x, at->low);
  corners.pop_back();
  return "<polygon points=\"" + corners + "\" fill=\"" + colour + "\" fill-opacity=\"0.14\" stroke=\"" + colour +
         "\" stroke-opacity=\"0.25\"/>\n";
}

std::string stroke_svg(const plot& p, std::span<const chart_point> points, const std::string& colour, const std::string& dash) {
  std::string corners;
  for (const auto& at : points) corners += corner(p, at.x, at.y);
  corners.pop_back();
  return "<polyline points=\"" + corners + "\" fill=\"none\" stroke=\"" + colour + "\" stroke-width=\"1.8\" stroke-linejoin=\"round\"" +
         attribute("stroke-dasharray", dash) + "/>\n";
}

std::string marks_svg(const plot& p, std::span<const chart_point> points, const std::string& colour) {
  std::string svg;
  for (const auto& at : points) {
    svg += "<circle" + attribute("cx", p.across(at.x)) + attribute("cy", p.down(at.y)) + " r=\"2.6\" fill=\"" + colour + "\"/>\n";
  }
  return svg;
}

std::string lines_svg(const plot& p, std::span<const chart_series> series) {
  std::string bands, lines;
  for (std::size_t s = 0; s < series.size(); ++s) {
    const auto& points = series[s].points;
    const std::string colour = colour_of(s);
    for (const auto part : stretches(points, has_band)) bands += band_svg(p, part, colour);
    for (const auto part : stretches(points, is_drawable)) {
      lines += stroke_svg(p, part, colour, dash_of(s));
      if (part.size() == 1 || points.size() <= most_marked_points) lines += marks_svg(p, part, colour);
    }
  }
  return bands + lines;
}

bool is_drawn(const chart_series& one) { return std::any_of(one.points.begin(), one.points.end(), is_drawable); }
double legend_width(const chart_series& one) { return legend_sample + legend_gap + letter_width * static_cast<double>(one.name.size()); }

// Entries from left to right, on as many lines as they need; `bottom` moves down past them.
std::string legend_svg(std::span<const chart_series> series, const box& in, double& bottom) {
  std::string svg;
  double x = in.left;
  for (std::size_t s = 0; s < series.size(); ++s) {
    if (!is_drawn(series[s])) continue;
    if (x > in.left && x + legend_width(series[s]) > in.right()) x = in.left, bottom += legend_line;
    svg += line_between(x, bottom - 4, x + legend_sample - 6, bottom - 4,
                        " stroke=\"" + colour_of(s) + "\" stroke-width=\"2.4\"" + attribute("stroke-dasharray", dash_of(s))) +
           text_at(x + legend_sample, bottom, "start", series[s].name);
    x += legend_width(series[s]);
  }
  if (!svg.empty()) bottom += legend_line;
  return svg;
}

// 1, 2, 5 or 10 times a power of ten: the one nearest to `value`.
double nice_step(double value) {
  const double power = std::pow(10, std::floor(std::log10(value))), digit = value / power;
  return power * (digit < 1.5 ? 1 : digit < 3 ? 2 : digit < 7 ? 5 : 10);
}

// Where to look past rounding: a tick may lie this share of a step beyond an end.
constexpr double tick_slack = 1e-6;

chart_point mean_of(std::span<const chart_point> bin) {
  chart_point sum{0, 0, 0, 0};
  double points = 0, bands = 0;
  for (const auto& p : bin) {
    if (!is_drawable(p)) continue;
    sum.x += p.x, sum.y += p.y, ++points;
    if (has_band(p)) sum.low += p.low, sum.high += p.high, ++bands;
  }
  if (points == 0) return {bin.front().x, gap, gap, gap};
  return {sum.x / points, sum.y / points, bands > 0 ? sum.low / bands : gap, bands > 0 ? sum.high / bands : gap};
}

}  // namespace

std::vector<chart_point> thinned(std::span<const chart_point> points, std::size_t most) {
  const std::size_t bins = std::max<std::size_t>(1, most);
  if (points.size() <= bins) return {points.begin(), points.end()};
  std::vector<chart_point> kept;
  for (std::size_t b = 0; b < bins; ++b) {
    const std::size_t from = b * points.size() / bins, to = (b + 1) * points.size() / bins;
    kept.push_back(mean_of(points.subspan(from, to - from)));
  }
  return kept;
}

chart_axis nice_axis(double least, double most, int intervals, axis_end end) {
  const double size = std::max(std::abs(least), std::abs(most));
  if (most - least <= std::max(1e-9, 1e-9 * size)) {
    const double room = size > 0 ? 0.1 * size : 1;
    least -= std::max(room, 1e-6), most += std::max(room, 1e-6);
  }
  chart_axis axis{least, most, nice_step((most - least) / intervals), 0};
  axis.decimals = std::max(0, static_cast<int>(-std::floor(std::log10(axis.step) + tick_slack)));
  if (end == axis_end::at_tick) {
    axis.low = axis.step * std::floor(least / axis.step + tick_slack);
    axis.high = axis.step * std::ceil(most / axis.step - tick_slack);
  }
  return axis;
}

std::vector<double> chart_axis::ticks() const {
  const double first = std::ceil(low / step - tick_slack), last = std::floor(high / step + tick_slack);
  std::vector<double> found;
  for (double tick = first; tick <= last; ++tick) found.push_back(tick * step);
  return found;
}

std::string svg_of(const line_chart& chart) {
  std::vector<chart_series> series;
  for (const auto& one : chart.series) {
    series.push_back({std::string(first_letters(one_line(one.name), 60)), thinned(one.points, chart.most_points)});
  }
  const box room;
  double bottom = room.bottom() + 66;
  const std::string legend = legend_svg(series, room, bottom);
  const auto drawn = plot_of(series, chart.x_from_zero);
  const std::string inside = drawn ? axes_svg(*drawn, chart) + lines_svg(*drawn, series)
                                   : text_at(page_width / 2, room.top + room.height / 2, "middle", "no figures");
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + fixed(page_width, 0) + " " + fixed(bottom, 0) +
         "\" role=\"img\" font-size=\"12\" fill=\"#4a4540\" font-family=\"system-ui, sans-serif\"><title>" +
         escape_html(one_line(chart.title)) + "</title>\n" + inside + legend + "</svg>\n";
}

}  // namespace argosy

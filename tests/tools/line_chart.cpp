#include "tools/line_chart.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string_view>

using namespace argosy;

namespace {

constexpr double gap = std::numeric_limits<double>::quiet_NaN();

std::size_t times(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

line_chart chart_of(std::vector<chart_series> series) { return {"a chart", "step", "loss", std::move(series)}; }
std::string svg_of_points(std::vector<chart_point> points) { return svg_of(chart_of({{"one", std::move(points)}})); }

std::vector<chart_point> ramp(std::size_t points) {
  std::vector<chart_point> made;
  for (std::size_t i = 0; i < points; ++i) made.push_back({static_cast<double>(i), 2.0 * static_cast<double>(i)});
  return made;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(line_charts)

BOOST_AUTO_TEST_CASE(ticks_are_even_and_round) {
  const chart_axis share = nice_axis(0.613, 0.927, 5, axis_end::at_tick);
  BOOST_TEST(share.decimals == 2);
  BOOST_TEST(share.ticks().size() == 8u);
  BOOST_TEST(share.ticks().front() == 0.60, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(share.ticks().back() == 0.95, boost::test_tools::tolerance(1e-12));
  const chart_axis steps = nice_axis(0, 2280, 7, axis_end::at_data);
  BOOST_TEST(steps.high == 2280);
  BOOST_TEST(steps.step == 500);
  BOOST_TEST(steps.ticks() == std::vector<double>({0, 500, 1000, 1500, 2000}), boost::test_tools::per_element());
  const chart_axis below = nice_axis(-3, 4, 5, axis_end::at_tick);
  BOOST_TEST(below.low == -3);
  BOOST_TEST(below.high == 4);
}

BOOST_AUTO_TEST_CASE(one_value_is_given_room) {
  for (const double value : {0.0, 0.5, -7.0, 1e-12, 1e15}) {
    const chart_axis axis = nice_axis(value, value, 5, axis_end::at_tick);
    BOOST_TEST(axis.low < value);
    BOOST_TEST(axis.high > value);
    BOOST_TEST(axis.ticks().size() >= 2u);
    BOOST_TEST(axis.ticks().size() <= 20u);
  }
}

BOOST_AUTO_TEST_CASE(bins_average_and_leave_out_what_cannot_be_drawn) {
  const std::vector<chart_point> points{{0, 1, 0, 2}, {1, 3, 2, 4}, {2, gap}, {3, 5}, {4, gap}, {5, INFINITY}};
  const auto kept = thinned(points, 3);
  BOOST_TEST_REQUIRE(kept.size() == 3u);
  BOOST_TEST(kept[0].x == 0.5);
  BOOST_TEST(kept[0].y == 2);
  BOOST_TEST(kept[0].low == 1);
  BOOST_TEST(kept[0].high == 3);
  BOOST_TEST(kept[1].x == 3);
  BOOST_TEST(kept[1].y == 5);
  BOOST_TEST(std::isnan(kept[1].low));
  BOOST_TEST(std::isnan(kept[2].y));
  BOOST_TEST(thinned(points, 6).size() == 6u);
}

BOOST_AUTO_TEST_CASE(every_point_falls_into_one_bin) {
  for (const std::size_t count : {399u, 400u, 401u, 1000u, 2279u}) {
    const auto kept = thinned(ramp(count), 400);
    BOOST_TEST(kept.size() == std::min<std::size_t>(count, 400));
    for (std::size_t i = 1; i < kept.size(); ++i) BOOST_TEST_REQUIRE(kept[i].x > kept[i - 1].x);
  }
  BOOST_TEST(thinned(ramp(5), 1).front().y == 4);
}

BOOST_AUTO_TEST_CASE(corners_of_a_known_line) {
  const auto svg = svg_of_points({{0, 0}, {10, 5}, {20, 10}});
  BOOST_TEST(svg.find("<polyline points=\"70.00,262.00 407.00,137.00 744.00,12.00\"") != svg.npos);
  BOOST_TEST(times(svg, "<polygon") == 0u);
}

BOOST_AUTO_TEST_CASE(a_long_series_is_thinned_to_what_was_asked) {
  line_chart chart = chart_of({{"long", ramp(5000)}});
  chart.most_points = 100;
  const auto svg = svg_of(chart);
  const auto from = svg.find("<polyline points=\"");
  BOOST_TEST(times(svg.substr(from, svg.find("\" fill", from) - from), ",") == 100u);
}

BOOST_AUTO_TEST_CASE(gaps_part_the_line_and_the_band) {
  const auto svg = svg_of_points({{0, 1, 0, 2}, {1, 2, 1, 3}, {2, gap, 0, 1}, {3, 2, 1, 3}, {4, 3, gap, 4}, {5, 2, 1, 3}, {6, 1e300}});
  BOOST_TEST(times(svg, "<polyline") == 2u);
  BOOST_TEST(times(svg, "<polygon") == 3u);
  BOOST_TEST(times(svg, "nan") == 0u);
  BOOST_TEST(times(svg, "inf") == 0u);
}

BOOST_AUTO_TEST_CASE(series_differ_in_colour_and_dashes_and_are_named) {
  std::vector<chart_series> many;
  for (int i = 0; i < 12; ++i) many.push_back({"row " + std::to_string(i), {{0, 1.0 * i}, {1, 2.0 * i}}});
  const auto svg = svg_of(chart_of(many));
  BOOST_TEST(times(svg, ">row 11</text>") == 1u);
  BOOST_TEST(times(svg, "stroke=\"#0072b2\" stroke-width=\"2.4\"/>") == 1u);
  BOOST_TEST(times(svg, "stroke=\"#d55e00\" stroke-width=\"2.4\" stroke-dasharray=\"7 3\"/>") == 1u);
  BOOST_TEST(times(svg, "stroke=\"#0072b2\" stroke-width=\"2.4\" stroke-dasharray=\"2 3\"/>") == 1u);
}

BOOST_AUTO_TEST_CASE(one_point_and_constant_lines_are_drawn) {
  const auto one = svg_of_points({{5, 0.9}});
  BOOST_TEST(times(one, "<circle") == 1u);
  BOOST_TEST(times(one, "nan") == 0u);
  const auto flat = svg_of_points({{0, 3}, {1, 3}, {2, 3}});
  BOOST_TEST(flat.find("70.00,137.00 407.00,137.00 744.00,137.00") != flat.npos);
}

BOOST_AUTO_TEST_CASE(a_series_without_a_point_keeps_the_colours_of_the_others_and_is_not_in_the_legend) {
  const auto svg = svg_of(chart_of({{"empty", {{0, gap}}}, {"full", {{0, 1}, {1, 2}}}}));
  BOOST_TEST(times(svg, "empty") == 0u);
  BOOST_TEST(times(svg, "#0072b2") == 0u);
  BOOST_TEST(times(svg, "<polyline") == 1u);
  BOOST_TEST(times(svg, ">full</text>") == 1u);
}

BOOST_AUTO_TEST_CASE(the_axis_starts_at_zero_when_told) {
  line_chart chart = chart_of({{"late", {{5, 0}, {10, 10}}}});
  BOOST_TEST(svg_of(chart).find("points=\"70.00,262.00 744.00,12.00\"") != std::string::npos);
  chart.x_from_zero = true;
  BOOST_TEST(svg_of(chart).find("points=\"407.00,262.00 744.00,12.00\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(nothing_to_draw_says_so) {
  for (const auto& svg : {svg_of(chart_of({})), svg_of_points({}), svg_of_points({{0, gap}, {gap, 1}})}) {
    BOOST_TEST(times(svg, ">no figures</text>") == 1u);
    BOOST_TEST(times(svg, "nan") == 0u);
  }
  BOOST_TEST(times(svg_of_points({{0, 1}}), "no figures") == 0u);
}

BOOST_AUTO_TEST_CASE(names_and_titles_are_escaped) {
  const auto svg = svg_of({"<t>", "a & b", "<script>", {{"\"x\"\n<y>", {{0, 1}}}}});
  BOOST_TEST(times(svg, "<script>") == 0u);
  BOOST_TEST(times(svg, "<title>&lt;t&gt;</title>") == 1u);
  BOOST_TEST(times(svg, ">a &amp; b</text>") == 1u);
  BOOST_TEST(times(svg, "&quot;x&quot; &lt;y&gt;") == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

#include "tools/study_report.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "data/utf8.hpp"
#include "tools/format.hpp"

namespace argosy {
namespace {

using nlohmann::ordered_json;

std::string range_text(const spread& found) { return fixed(found.low, 3) + " - " + fixed(found.high, 3); }

std::string difference_text(const interval& found) { return signed_text(found.mean, 3) + (leaves_out_zero(found) ? "*" : " "); }
std::string interval_text(const interval& found) { return signed_text(found.low, 3) + ", " + signed_text(found.high, 3); }

// A line of the table: what `cell` says of each measure.
std::vector<std::string> measure_line(std::string name, const row_figures& row, const auto& cell) {
  std::vector<std::string> line{std::move(name)};
  for (const auto& found : row.measures) line.push_back(found ? cell(*found) : "-");
  return line;
}

void add_row(const row_figures& row, text_table& table) {
  const std::string name = one_line(row.row.name);
  if (row.seeds.empty()) return table.add({name + ": no run is finished"});
  table.add(measure_line(name, row, [](const measured& m) { return fixed(m.over_seeds.mean, 3); }));
  if (row.seeds.size() > 1) {
    table.add(measure_line("  " + counted(row.seeds.size(), "seed"), row, [](const measured& m) { return range_text(m.over_seeds); }));
  }
  const bool has_difference = std::any_of(row.measures.begin(), row.measures.end(), [](const auto& m) { return m && m->difference; });
  if (!has_difference) return;
  table.add(measure_line("  difference", row, [](const measured& m) { return m.difference ? difference_text(*m.difference) : "-"; }));
  table.add(measure_line("  its 95 %", row, [](const measured& m) { return m.difference ? interval_text(*m.difference) : "-"; }));
}

ordered_json json_of(const spread& s) { return {{"mean", s.mean}, {"low", s.low}, {"high", s.high}}; }

ordered_json json_of(const measured& m) {
  ordered_json object = json_of(m.over_seeds);
  object["by_seed"] = m.by_seed;
  object["difference"] = nullptr;
  if (m.difference) object["difference"] = {{"mean", m.difference->mean}, {"low", m.difference->low}, {"high", m.difference->high}};
  return object;
}

ordered_json json_of(const row_figures& row) {
  const auto when_finished = [&](const spread& s) { return row.seeds.empty() ? ordered_json() : json_of(s); };
  ordered_json object = {{"name", row.row.name},
                         {"set", row.row.set},
                         {"seeds", row.seeds},
                         {"shared_seeds", row.shared_seeds},
                         {"steps", when_finished(row.steps)},
                         {"pairs", when_finished(row.pairs)},
                         {"minutes", when_finished(row.minutes)}};
  for (std::size_t m = 0; m < study_measure_count; ++m) {
    const auto& found = row.measures[m];
    object[std::string(study_measures[m].part)][std::string(study_measures[m].key)] = found ? json_of(*found) : ordered_json();
  }
  return object;
}

}  // namespace

std::string signed_text(double value, int decimals) {
  std::string size = fixed(std::abs(value), decimals);
  if (size.find_first_not_of("0.") == std::string::npos) return size;
  return (value < 0 ? "-" : "+") + size;
}

bool leaves_out_zero(const interval& found) noexcept { return found.low > 0 || found.high < 0; }

std::string difference_note(const study_figures& figures) {
  return "The difference from " + figures.outline.baseline +
         " is, for each query, averaged over the seeds that both rows have finished, then over the queries. Its 95 % interval is the "
         "percentile one of a paired bootstrap over queries with " +
         grouped(study_resamples) + " resamples (Efron and Tibshirani, 1993, chapter 13): it speaks of other queries, not of other seeds.";
}

std::string study_table(const study_figures& figures) {
  text_table table;
  std::vector<std::string> head{"recipe"};
  for (const auto& measure : study_measures) {
    head.push_back((measure.part == "all" ? "" : std::string(measure.part) + " ") + std::string(measure.key));
  }
  table.add(std::move(head));
  for (const auto& row : figures.rows) add_row(row, table);
  std::ostringstream out;
  table.print(out);
  out << "*: the 95 % interval leaves out 0\n";
  return out.str();
}

std::string study_json(const study_figures& figures) {
  const study_outline& outline = figures.outline;
  ordered_json object = {{"title", outline.title},       {"about", outline.about},       {"baseline", outline.baseline},
                         {"seeds", outline.seeds},       {"queries", figures.queries},   {"needs_image", figures.needing_image},
                         {"products", figures.products}, {"resamples", study_resamples}, {"rows", ordered_json::array()}};
  for (const auto& row : figures.rows) object["rows"].push_back(json_of(row));
  return object.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace argosy

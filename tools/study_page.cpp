#include <algorithm>
#include <array>

#include "tools/format.hpp"
#include "tools/results_page.hpp"
#include "tools/study_report.hpp"

namespace argosy {
namespace {

constexpr std::string_view style = R"(
.note, figcaption { color: #77716a; }
.about { white-space: pre-line; }
.note, figcaption { font-size: 14px; margin: 8px 0 0; }
table { border-collapse: collapse; width: 100%; background: #fff; border: 1px solid #e6e2da; font-size: 14px; }
th, td { padding: 8px 10px; text-align: right; vertical-align: top; border-bottom: 1px solid #eeebe4; font-variant-numeric: tabular-nums; }
th { font-weight: 600; }
th:first-child, th.text, td.text { text-align: left; }
td small { display: block; color: #77716a; white-space: nowrap; }
td .grey { color: #a29b92; }
td .grey, td b { display: block; white-space: nowrap; }
code { font-size: 13px; display: block; overflow-wrap: anywhere; }
figure { margin: 0 0 20px; padding: 14px 12px 12px; background: #fff; border: 1px solid #e6e2da; break-inside: avoid; }
svg { width: 100%; height: auto; display: block; }
tr { break-inside: avoid; }
@media print { body { background: #fff; font-size: 12px; } main { max-width: none; padding: 0; } }
)";

std::string tagged(std::string_view tag, std::string_view inside) {
  return "<" + std::string(tag) + ">" + std::string(inside) + "</" + std::string(tag) + ">";
}
std::string header(std::string_view text) { return tagged("th", escape_html(text)); }
std::string text_cell(std::string_view html) { return "<td class=\"text\">" + std::string(html) + "</td>"; }

std::string row_name(const study_figures& figures, const row_figures& row) {
  const bool is_baseline = row.row.name == figures.outline.baseline;
  return header(row.row.name + (is_baseline && figures.rows.size() > 1 ? " (baseline)" : ""));
}

std::string count_text(double value) { return grouped(static_cast<std::uint64_t>(value)); }

// One number where all seeds agree, else the least and the most.
std::string counts_text(const spread& found) {
  return found.low == found.high ? count_text(found.low) : count_text(found.low) + " &ndash; " + count_text(found.high);
}

std::string settings_html(const study_row& row) {
  std::string html;
  for (const auto& setting : row.set) html += tagged("code", escape_html(setting));
  return html.empty() ? "the base recipe" : html;
}

std::string seeds_text(const study_figures& figures, const row_figures& row) {
  return std::to_string(row.seeds.size()) + " of " + std::to_string(figures.outline.seeds.size());
}

std::string compared_row(const study_figures& figures, const row_figures& row) {
  std::string html = row_name(figures, row) + text_cell(settings_html(row.row)) + tagged("td", seeds_text(figures, row));
  if (row.seeds.empty()) return tagged("tr", html + "<td colspan=\"3\">no run is finished</td>") + "\n";
  return tagged("tr", html + tagged("td", counts_text(row.steps)) + tagged("td", counts_text(row.pairs)) +
                          tagged("td", fixed(row.minutes.mean, 1))) +
         "\n";
}

std::string compared_section(const study_figures& figures) {
  std::string html = "<section><h2>What was compared</h2>\n<table><thead><tr>" + header("Recipe") + "<th class=\"text\">Sets</th>";
  for (const auto* name : {"Seeds finished", "Steps", "Pairs", "Minutes a run"}) html += header(name);
  html += "</tr></thead><tbody>\n";
  for (const auto& row : figures.rows) html += compared_row(figures, row);
  html += "</tbody></table>\n<p class=\"note\">Seeds: ";
  for (const auto seed : figures.outline.seeds) html += std::to_string(seed) + (seed == figures.outline.seeds.back() ? ". " : ", ");
  if (figures.queries > 0) {
    html += "Each run answers " + counted(figures.queries, "query", "queries") + " over " + counted(figures.products, "product") + "; " +
            grouped(figures.needing_image) +
            " of the queries need the image. Minutes are those of training steps and of waiting for data; steps beside an evaluation share "
            "the processor with it.";
  }
  return html + "</p></section>\n";
}

std::string difference_html(const interval& found) {
  const std::string tag = leaves_out_zero(found) ? "b" : "span";
  return "<" + tag + (tag == "span" ? " class=\"grey\">" : ">") + signed_text(found.mean, 3) + "<br>[" + signed_text(found.low, 3) + ", " +
         signed_text(found.high, 3) + "]</" + tag + ">";
}

std::string measure_cell(const std::optional<measured>& found) {
  if (!found) return tagged("td", "&ndash;");
  std::string html = fixed(found->over_seeds.mean, 3);
  if (found->by_seed.size() > 1) {
    html += tagged("small", fixed(found->over_seeds.low, 3) + " &ndash; " + fixed(found->over_seeds.high, 3));
  }
  return tagged("td", html + (found->difference ? difference_html(*found->difference) : ""));
}

// A row that is compared by fewer seeds than it has, or by none, says so.
std::string shared_seeds_html(const study_figures& figures, const row_figures& row) {
  if (row.row.name == figures.outline.baseline || row.shared_seeds.size() == row.seeds.size()) return {};
  const std::string what =
      row.shared_seeds.empty() ? "no seed in common with the baseline" : "difference over " + counted(row.shared_seeds.size(), "seed");
  return tagged("small", what);
}

std::string retrieval_row(const study_figures& figures, const row_figures& row) {
  std::string html = row_name(figures, row);
  if (row.seeds.empty()) {
    return tagged("tr", html + "<td colspan=\"" + std::to_string(study_measure_count + 1) + "\">no run is finished</td>") + "\n";
  }
  html += tagged("td", std::to_string(row.seeds.size()) + shared_seeds_html(figures, row));
  for (const auto& found : row.measures) html += measure_cell(found);
  return tagged("tr", html) + "\n";
}

std::string retrieval_section(const study_figures& figures) {
  std::string html = "<section><h2>Retrieval</h2>\n<table><thead><tr>";
  for (const auto* name : {"Recipe", "Seeds", "Recall@1", "Recall@10", "Recall@100", "Precision@10", "Recall@10, needs the image"}) {
    html += header(name);
  }
  html += "</tr></thead><tbody>\n";
  for (const auto& row : figures.rows) html += retrieval_row(figures, row);
  return html +
         "</tbody></table>\n<p class=\"note\">A cell: the mean over seeds, the least and the most of them, the difference from the "
         "baseline. " +
         escape_html(difference_note(figures)) + " Bold: the interval leaves out 0; grey: it holds 0.</p></section>\n";
}

struct study_chart {
  std::string_view title, x_title, y_title, caption;
  std::vector<chart_point> row_curves::*curve;
  std::size_t most_points;
};

// A step's loss is noisy: 120 points a line average it enough to tell five lines apart (ours).
constexpr std::array<study_chart, 4> charts{{
    {"Loss", "step", "loss of query and product matching",
     "More or harder negatives make this loss larger by themselves, so its height compares rows only where they have the same ones.",
     &row_curves::loss, 120},
    {"Recall@10 by training time", "minutes", "Recall@10, all queries", "At each evaluation during training.", &row_curves::recall, 400},
    {"Negatives from products", "step", "negatives a query",
     "Products of the same step, of other workers too where the recipe has it so, that were a query's negatives after masking.",
     &row_curves::negatives_product, 120},
    {"Negatives from the memory bank", "step", "negatives a query", "Products of past steps that were a query's negatives after masking.",
     &row_curves::negatives_bank, 120},
}};

std::string figure_html(const study_figures& figures, const study_chart& wanted) {
  line_chart chart{std::string(wanted.title), std::string(wanted.x_title), std::string(wanted.y_title), {}, wanted.most_points, true};
  for (const auto& row : figures.rows) chart.series.push_back({row.row.name, row.curves.*wanted.curve});
  return "<figure>" + tagged("strong", escape_html(wanted.title)) + "\n" + svg_of(chart) +
         tagged("figcaption", escape_html(wanted.caption)) + "</figure>\n";
}

std::string curves_section(const study_figures& figures) {
  std::string html = "<section><h2>Curves</h2>\n";
  for (const auto& chart : charts) html += figure_html(figures, chart);
  return html +
         "<p class=\"note\">A line is the mean over the seeds of a row, its band the least and the most of them; long lines are averaged "
         "in "
         "bins of steps.</p></section>\n";
}

}  // namespace

std::string study_page(const study_figures& figures) {
  return page_begin(figures.outline.title, style) + "<p class=\"about\">" + escape_html(figures.outline.about) + "</p>\n" +
         compared_section(figures) + retrieval_section(figures) + curves_section(figures) + std::string(page_end);
}

}  // namespace argosy

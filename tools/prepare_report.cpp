#include "tools/prepare_report.hpp"

#include <ostream>

#include "tools/format.hpp"

namespace argosy {

std::function<void(const prepare_progress&)> show_preparing(const console& io) {
  return [&io](const prepare_progress& p) { io.progress.show({.stage = p.stage, .unit = p.unit, .done = p.done, .total = p.total}); };
}

void print_report(const prepare_report& report, std::ostream& out) {
  text_table kept;
  kept.add({"", "read", "kept"});
  kept.add({"products", grouped(report.products_read), grouped(report.products_kept)});
  kept.add({"  with a title", "", grouped(report.titles_kept)});
  kept.add({"  with an image", "", grouped(report.images_read)});
  if (report.features_computed + report.features_reused > 0) {
    kept.add({"    features computed", "", grouped(report.features_computed)});
    kept.add({"    features reused", "", grouped(report.features_reused)});
  }
  if (report.fields > 0) kept.add({"  fields for filters", "", grouped(report.fields)});
  if (report.values_left_out > 0) kept.add({"  values of fields beyond those", "", "left out " + grouped(report.values_left_out)});
  if (report.log_read > 0) {
    kept.add({"log lines", grouped(report.log_read), grouped(report.log_kept)});
    kept.add({"  different queries", "", grouped(report.queries)});
    kept.add({"  different pairs", "", grouped(report.pairs)});
  }
  kept.print(out);
  if (report.refused.empty()) return;
  text_table refused;
  refused.add({"refused because", "lines"});
  for (const auto& [reason, lines] : report.refused) refused.add({"  " + reason, grouped(lines)});
  refused.print(out);
}

}  // namespace argosy

#include <ostream>

#include "tools/commands.hpp"
#include "tools/format.hpp"

namespace argosy {

status run_demo_shop(const demo_shop_options& options, const console& io) {
  const auto show = [&](std::uint64_t done, std::uint64_t total) {
    io.progress.show({.stage = "demo shop", .unit = "products", .done = done, .total = total});
  };
  ARGOSY_ASSIGN(const demo_shop_report report, make_demo_shop(options, show, io.stop));
  io.progress.close();
  io.out << options.out.string() << ": " << grouped(report.products) << " products, " << grouped(report.log_lines)
         << " lines of a search log, " << grouped(report.queries) << " validation queries. Try:\n";
  for (const auto& query : report.sample_queries) io.out << "  " << query << '\n';
  return {};
}

}  // namespace argosy

#include <ostream>

#include "model/backbone.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/prepare_report.hpp"

namespace argosy {

status run_prepare(const prepare_command_options& command, const console& io) {
  prepare_options options = command.prepare;
  if (!command.backbone.empty()) {
    ARGOSY_ASSIGN(options.backbone,
                  load_backbone({command.backbone, command.backbone_weights, command.backbone_side, command.threads, command.device}));
  }
  ARGOSY_ASSIGN(const prepare_report report, prepare(options, show_preparing(io), io.stop));
  io.progress.close();
  print_report(report, io.out);
  if (!report.refused.empty()) {
    const auto refusals = options.refusals.empty() ? options.out / "refused.tsv" : options.refusals;
    io.out << "Every refused line with its number: " << refusals.string() << '\n';
  }
  io.out << options.out.string() << ": " << bytes_text(report.bytes) << " in " << duration_text(report.seconds) << '\n';
  return {};
}

}  // namespace argosy

#include <ostream>

#include "data/utf8.hpp"
#include "model/bert_import.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/interrupts.hpp"

namespace argosy {
namespace {

void print_list(const std::string& title, const std::vector<std::string>& lines, std::ostream& out) {
  if (lines.empty()) return;
  out << title << '\n';
  for (const auto& line : lines) out << "  " << one_line(line) << '\n';
}

std::vector<std::string> used_lines(const bert_import& made) {
  std::vector<std::string> lines;
  for (const auto& t : made.used) {
    std::string line = t.name + " " + t.shape + " ->";
    for (const auto& name : t.parameters) line += " " + name;
    lines.push_back(std::move(line));
  }
  return lines;
}

void print_import(const bert_import& made, const std::filesystem::path& to, std::ostream& out) {
  print_list("Used: " + counted(made.used.size(), "tensor"), used_lines(made), out);
  print_list("Unused: " + counted(made.unused.size(), "tensor"), made.unused, out);
  print_list("Missing, of a model with titles and images; these start at random:", made.missing, out);
  print_list("Mind:", made.notes, out);
  const auto sizes = sizes_of(made.weights);
  out << to.string() << ": for a recipe with hidden = " << sizes.hidden << ", heads = " << made.weights.heads
      << ", feed_forward = " << sizes.feed_forward << " and " << sizes.layers << " layers, and data prepared with --vocab "
      << (to / "vocab.txt").string() << '\n';
}

}  // namespace

status run_import(const import_options& options, const console& io) {
  const auto style = options.as == "roberta" ? bert_style::roberta : bert_style::bert;
  ARGOSY_ASSIGN(const auto made, import_bert({options.from, options.vocab, style, options.heads}));
  if (io.stop.stop_requested()) return interrupted("nothing is written");
  ARGOSY_TRY(write_initial_weights(options.out, made.weights));
  print_import(made, options.out, io.out);
  return {};
}

}  // namespace argosy

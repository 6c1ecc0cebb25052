#include <ostream>

#include "model/bert_export.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"

namespace argosy {

status run_export(const export_options& options, const console& io) {
  ARGOSY_ASSIGN(const auto folder, find_model(options.from));
  const auto device = make_cpu_device(1);
  ARGOSY_ASSIGN(const loaded_model loaded, load_model(*device, folder));
  ARGOSY_ASSIGN(const auto names, export_bert(loaded, options.safetensors));
  for (const auto& name : names) io.out << (options.safetensors / name).string() << '\n';
  return {};
}

}  // namespace argosy

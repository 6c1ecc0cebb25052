#include <ostream>

#include "model/bert_export.hpp"
#include "model/onnx_export.hpp"
#include "tools/commands.hpp"
#include "tools/interrupts.hpp"

namespace argosy {
namespace {

status write_safetensors_folders(const loaded_model& loaded, const std::filesystem::path& to, const console& io) {
  ARGOSY_ASSIGN(const auto names, export_bert(loaded, to));
  for (const auto& name : names) io.out << (to / name).string() << '\n';
  return {};
}

status write_onnx_folder(const loaded_model& loaded, const std::filesystem::path& to, const console& io) {
  ARGOSY_TRY(export_onnx(loaded, to));
  for (const auto* name : {"query.onnx", "product.onnx"}) io.out << (to / name).string() << '\n';
  return {};
}

}  // namespace

status run_export(const export_options& options, const console& io) {
  ARGOSY_ASSIGN(const auto folder, find_model(options.from));
  const auto device = make_cpu_device(1);
  ARGOSY_ASSIGN(const loaded_model loaded, load_model(*device, folder));
  if (!options.safetensors.empty()) ARGOSY_TRY(write_safetensors_folders(loaded, options.safetensors, io));
  if (io.stop.stop_requested()) return interrupted("what was printed is written");
  return options.onnx.empty() ? status{} : write_onnx_folder(loaded, options.onnx, io);
}

}  // namespace argosy

#include <iomanip>
#include <nlohmann/json.hpp>
#include <ostream>

#include "kernels/devices.hpp"
#include "tools/commands.hpp"

namespace argosy {
namespace {

void print_json(const device_list& all, std::ostream& out) {
  auto devices = nlohmann::ordered_json::array();
  for (const auto& d : all.found) devices.push_back({{"name", d.name}, {"what", d.what}, {"notes", d.notes}});
  const nlohmann::ordered_json object{{"devices", devices},     {"no_cuda", all.no_cuda}, {"nccl", all.nccl},
                                      {"no_nccl", all.no_nccl}, {"cudnn", all.cudnn},     {"no_cudnn", all.no_cudnn}};
  out << object.dump(2) << '\n';
}

}  // namespace

status run_devices(const devices_options& options, const console& io) {
  const device_list all = list_devices();
  if (options.json) {
    print_json(all, io.out);
    return {};
  }
  const auto line = [&](const std::string& name, const std::string& what) { io.out << std::left << std::setw(8) << name << what << '\n'; };
  for (const auto& d : all.found) line(d.name, d.what + "; " + d.notes);
  if (!all.no_cuda.empty()) line("cuda", "none: " + all.no_cuda);
  line("nccl", all.nccl.empty() ? "none: " + all.no_nccl : all.nccl + "; between GPUs");
  line("cudnn", all.cudnn.empty() ? "none: " + all.no_cudnn : all.cudnn + "; backbones on GPUs");
  return {};
}

}  // namespace argosy

#include "kernels/devices.hpp"

#include <dlfcn.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "kernels/plugin/cuda_plugin.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name"))
      if (const auto colon = line.find(": "); colon != std::string::npos) return line.substr(colon + 2);
  return "a processor without a name";
}

std::string cpu_notes() {
  const char* const vectors = __builtin_cpu_supports("avx512f") ? "AVX-512" : __builtin_cpu_supports("avx2") ? "AVX2" : "no AVX2";
  return std::string(vectors) + (cpu_multiplies_bfloat16() ? "; multiplies bfloat16" : "; bfloat16 by rounding to it, slower than float32");
}

std::string gibibytes(std::uint64_t bytes) {
  const auto tenths = bytes * 10 >> 30;
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " GiB";
}

// Empty: nowhere.
fs::path plugin_file() {
  std::error_code failed;
  const fs::path beside = fs::read_symlink("/proc/self/exe", failed).parent_path();
  for (const fs::path& folder : {beside, beside / ".." / "lib" / "argosy", beside / ".."})
    if (fs::exists(folder / cuda_plugin_file, failed)) return folder / cuda_plugin_file;
  return {};
}

// Stays open until the program ends: its code is needed as long as a device lives.
result<const cuda_plugin*> open_plugin() {
  const fs::path file = plugin_file();
  if (file.empty())
    return status{errc::unavailable, std::string(cuda_plugin_file) + " is not beside the program: it was built without CUDA"};
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return status{errc::unavailable, dlerror()};
  void* const found = dlsym(library, cuda_plugin_symbol);
  if (found == nullptr) return status{errc::corrupt, file.string() + ": has no " + cuda_plugin_symbol};
  const cuda_plugin* const plugin = reinterpret_cast<const cuda_plugin* (*)()>(found)();
  if (std::string_view(plugin->build) != ARGOSY_BUILD)
    return status{errc::version_mismatch, file.string() + ": want build " ARGOSY_BUILD ", found " + plugin->build};
  return plugin;
}

const result<const cuda_plugin*>& the_plugin() {
  static const result<const cuda_plugin*> opened = open_plugin();
  return opened;
}

// The GPU's number in "cuda" and "cuda:1".
std::optional<int> ordinal_of(std::string_view name) noexcept {
  if (name == "cuda") return 0;
  if (!name.starts_with("cuda:")) return std::nullopt;
  name.remove_prefix(5);
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number < 0) return std::nullopt;
  return number;
}

result<std::vector<gpu_facts>> list_gpus() {
  ARGOSY_TRY(the_plugin().failure());
  return (*the_plugin())->list();
}

result<std::size_t> cudnn_version() {
  ARGOSY_TRY(the_plugin().failure());
  return (*the_plugin())->cudnn_version();
}

// The number of a GPU of this machine, of which the plug-in is open.
result<int> gpu_named(std::string_view name) {
  const auto ordinal = ordinal_of(name);
  if (!ordinal) return status{errc::invalid_argument, "device: want cpu, cuda or cuda:N, got '" + std::string(name) + "'"};
  ARGOSY_TRY(the_plugin().failure().within("device " + std::string(name)));
  ARGOSY_ASSIGN(const auto gpus, (*the_plugin())->list());
  if (static_cast<std::size_t>(*ordinal) >= gpus.size())
    return status{errc::unavailable, "device " + std::string(name) + ": this machine has " + std::to_string(gpus.size()) + " NVIDIA GPUs"};
  return *ordinal;
}

}  // namespace

device_list list_devices() {
  device_list all;
  all.found.push_back(
      {"cpu", cpu_model() + ", " + std::to_string(std::max(1u, std::thread::hardware_concurrency())) + " cores", cpu_notes()});
  const auto nccl = open_nccl();
  if (nccl.ok())
    all.nccl = nccl_version_text((*nccl)->version());
  else
    all.no_nccl = nccl.failure().message();
  const auto cudnn = cudnn_version();
  if (cudnn.ok())
    all.cudnn = std::to_string(*cudnn / 10000) + '.' + std::to_string(*cudnn / 100 % 100) + '.' + std::to_string(*cudnn % 100);
  else
    all.no_cudnn = cudnn.failure().message();
  const auto gpus = list_gpus();
  if (!gpus) {
    all.no_cuda = gpus.failure().message();
    return all;
  }
  for (std::size_t i = 0; i < gpus->size(); ++i) {
    const gpu_facts& g = (*gpus)[i];
    all.found.push_back({"cuda:" + std::to_string(i), g.name + ", " + gibibytes(g.memory_bytes),
                         "compute capability " + std::to_string(g.major) + '.' + std::to_string(g.minor) + ", " +
                             std::to_string(g.multiprocessors) + " multiprocessors"});
  }
  return all;
}

bool is_device_name(std::string_view name) noexcept { return name == "cpu" || ordinal_of(name).has_value(); }

result<std::unique_ptr<device>> open_device(std::string_view name, int threads, compute how, attention_by attention) {
  if (how == compute::fp8 && name == "cpu")
    return status{errc::invalid_argument, "products of fp8: want a GPU of compute capability 9.0, got cpu"};
  if (attention == attention_by::cudnn && (name == "cpu" || how == compute::float32))
    return status{errc::invalid_argument,
                  "cuDNN's attention: wants a GPU and bfloat16, got " + std::string(name) + " and " + std::string(name_of(how))};
  if (name == "cpu") return make_cpu_device(threads, how);
  ARGOSY_ASSIGN(const int ordinal, gpu_named(name));
  return (*the_plugin())->open(ordinal, how, attention);
}

result<std::unique_ptr<image_network>> open_image_network(std::string_view name, const image_layers& layers, int batch, int threads) {
  if (name == "cpu") return make_cpu_image_network(layers, batch, threads);
  ARGOSY_ASSIGN(const int ordinal, gpu_named(name));
  return (*the_plugin())->make_image_network(ordinal, layers, batch);
}

result<nccl_calls*> open_nccl() {
  ARGOSY_TRY(the_plugin().failure());
  return (*the_plugin())->open_nccl();
}

}  // namespace argosy

// What argosy_cuda.so gives to the program that opens it: the symbol `argosy_cuda_plugin`, a function without arguments that returns this.
// Both are built from one source with one compiler, and share classes of C++: `build` says so, and another build is refused.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/device.hpp"
#include "kernels/image_network.hpp"
#include "kernels/nccl.hpp"

namespace argosy {

struct gpu_facts {
  std::string name;
  std::uint64_t memory_bytes = 0;
  int major = 0, minor = 0, multiprocessors = 0;
};

struct cuda_plugin {
  const char* build;
  result<std::vector<gpu_facts>> (*list)();  // unavailable, with CUDA's reason
  result<std::unique_ptr<device>> (*open)(int ordinal, compute, attention_by);
  result<nccl_calls*> (*open_nccl)();      // unavailable, with the reason
  result<std::size_t> (*cudnn_version)();  // 91900: 9.19.0. unavailable, with the reason
  result<std::unique_ptr<image_network>> (*make_image_network)(int ordinal, const image_layers&, int batch);
};

inline constexpr char cuda_plugin_file[] = "argosy_cuda.so", cuda_plugin_symbol[] = "argosy_cuda_plugin";

}  // namespace argosy

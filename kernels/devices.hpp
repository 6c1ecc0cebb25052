// The devices of this machine, and opening one by its name.
//     cpu      all cores, or as many threads as asked for
//     cuda     the first NVIDIA GPU; cuda:1 the second
// GPUs are driven by a plug-in, argosy_cuda.so, which lies beside the program, in ../lib/argosy or in .. and is opened when somebody asks: one
// program runs with a GPU and without, with a driver and without.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/device.hpp"
#include "kernels/image_network.hpp"
#include "kernels/nccl.hpp"

namespace argosy {

struct device_facts {
  std::string name;   // "cpu", "cuda:0"
  std::string what;   // "AMD EPYC 7763, 2 cores"
  std::string notes;  // "AVX2; bfloat16 by rounding"
};

struct device_list {
  std::vector<device_facts> found;
  std::string no_cuda;  // why there is no GPU among them; empty when there is
  std::string nccl;     // its version; empty: no_nccl says why
  std::string no_nccl;
  std::string cudnn;  // its version; empty: no_cudnn says why
  std::string no_cudnn;
};
device_list list_devices();

// Whether `name` could be a device, on some machine.
bool is_device_name(std::string_view name) noexcept;

// `threads` is for the CPU. invalid_argument for no name of a device, and for cuDNN's attention on the CPU or of float32; unavailable, with the
// reason, where this machine has none of that name, or no cuDNN for its attention.
result<std::unique_ptr<device>> open_device(std::string_view name, int threads, compute, attention_by = attention_by::argosy);

// A frozen network on a device; `threads` is for the CPU. Errors as of open_device, and of make_cpu_image_network; a GPU needs cuDNN.
result<std::unique_ptr<image_network>> open_image_network(std::string_view name, const image_layers&, int batch, int threads);

// For groups of GPUs (net/nccl_group.hpp). unavailable, with the reason.
result<nccl_calls*> open_nccl();

}  // namespace argosy

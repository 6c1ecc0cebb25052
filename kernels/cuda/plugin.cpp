#include "kernels/plugin/cuda_plugin.hpp"

#include "kernels/cuda/called.hpp"
#include "kernels/cuda/convolution.hpp"
#include "kernels/cuda/cuda_device.hpp"
#include "kernels/cuda/image_network.hpp"
#include "kernels/cuda/nccl.hpp"

namespace argosy::cuda {
namespace {

result<std::vector<gpu_facts>> list() {
  int count = 0;
  ARGOSY_TRY(called("looking for GPUs", cudaGetDeviceCount(&count)));
  std::vector<gpu_facts> found;
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp facts{};
    ARGOSY_TRY(called("asking device " + std::to_string(i), cudaGetDeviceProperties(&facts, i)));
    found.push_back({facts.name, facts.totalGlobalMem, facts.major, facts.minor, facts.multiProcessorCount});
  }
  return found;
}

result<std::unique_ptr<device>> open(int ordinal, compute how, attention_by attention) {
  ARGOSY_ASSIGN(auto made, cuda_device::open(ordinal, how, attention));
  return std::unique_ptr<device>(std::move(made));
}

}  // namespace
}  // namespace argosy::cuda

extern "C" const argosy::cuda_plugin* argosy_cuda_plugin() {
  static constexpr argosy::cuda_plugin plugin{ARGOSY_BUILD,
                                              argosy::cuda::list,
                                              argosy::cuda::open,
                                              argosy::cuda::open_nccl,
                                              argosy::cuda::cudnn_version,
                                              argosy::cuda::make_image_network};
  return &plugin;
}

// In the place of cudnn_frontend.cpp where its headers were not found (cmake/ArgosyCuda.cmake).
#include "kernels/cuda/fused_attention.hpp"

namespace argosy::cuda {

result<std::unique_ptr<fused_attention>> make_fused_attention(cudaStream_t) {
  return status{errc::unavailable, "cuDNN's fused attention: the CUDA plug-in was built without it: cudnn_frontend.h was not found"};
}

}  // namespace argosy::cuda

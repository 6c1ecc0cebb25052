// In the place of cudnn.cpp where its header was not found (cmake/ArgosyCuda.cmake).
#include "kernels/cuda/convolution.hpp"

namespace argosy::cuda {

namespace {

status built_without() { return {errc::unavailable, "cuDNN: the CUDA plug-in was built without it: cudnn.h was not found"}; }

}  // namespace

result<std::size_t> cudnn_version() { return built_without(); }
result<std::unique_ptr<convolutions>> make_convolutions(cudaStream_t) { return built_without(); }

}  // namespace argosy::cuda

// In the place of nccl.cpp where its header was not found (cmake/ArgosyCuda.cmake).
#include "kernels/cuda/nccl.hpp"

namespace argosy::cuda {

result<nccl_calls*> open_nccl() { return status{errc::unavailable, "NCCL: the CUDA plug-in was built without it: nccl.h was not found"}; }

}  // namespace argosy::cuda

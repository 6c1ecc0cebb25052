// NVIDIA's NCCL, for groups of GPUs (kernels/nccl.hpp). It is opened when somebody asks for it: one GPU trains without it.
#pragma once

#include "kernels/nccl.hpp"

namespace argosy::cuda {

// unavailable: the plug-in was built without NCCL's header, or the library is not on this machine. It stays open until the program ends.
result<nccl_calls*> open_nccl();

}  // namespace argosy::cuda

// What a call of CUDA's runtime said, as a status.
// Errors    unavailable, with what was called and CUDA's own words. A kernel that fails while it runs is reported by a later call.
#pragma once

#include <cuda_runtime.h>

#include <string>
#include <string_view>

#include "base/status.hpp"

namespace argosy::cuda {

inline status called(std::string_view what, cudaError_t said) {
  if (said == cudaSuccess) return {};
  return {errc::unavailable, "CUDA: " + std::string(what) + ": " + cudaGetErrorString(said)};
}

}  // namespace argosy::cuda

// Plans of cuDNN's fused attention: a graph of its operations (by the cudnn-frontend library) for a shape, and the engine that cuDNN compiles for it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "kernels/cuda/fused_attention.hpp"

struct cudnnContext;  // cuDNN's: cudnnHandle_t points to it

namespace argosy::cuda {

class fused_plan {
public:
  virtual ~fused_plan() = default;
  virtual std::int64_t workspace_bytes() const noexcept = 0;
  virtual status run(cudnnContext*, const fused_call&, void* workspace) = 0;
};

struct gpu_kind {
  int capability = 0, multiprocessors = 0;  // 90: compute capability 9.0
  std::string facts = {};  // cuDNN's own description of a GPU (JSON), to compile for one that is not there; empty: the handle's
};

// unavailable: cuDNN is not there or has no plan for it, with its reason.
result<std::unique_ptr<fused_plan>> plan_fused_attention(cudnnContext*, const gpu_kind&, const fused_shape&);

}  // namespace argosy::cuda

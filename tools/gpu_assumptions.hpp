// What `argosy plan` assumes of GPUs where it is not told what was measured.
#pragma once

#include <cstdint>

namespace argosy {

// None is measured by us. The rates are others' figures for an H200 (docs/gpu-budget.md), the share what the best public training runs reach,
// the links those of a machine of eight with NVLink and an adapter of 400 Gbit/s a GPU, the rest guesses.
struct gpu_assumptions {
  double peak_tflops = 790;                   // products of bfloat16
  double loss_tflops = 390;                   // of float32 rounded to TF32
  double share = .4;                          // of these, reached
  double memory_tbs = 4.3;                    // TB/s
  double within_gbs = 450, within_us = 3;     // GB/s into and out of a GPU, within a machine
  double between_gbs = 400, between_us = 10;  // of a machine, all adapters
  double spread = .02, overlap = 0;
  std::uint64_t per_machine = 8;
};

}  // namespace argosy

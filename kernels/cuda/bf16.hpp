// A number of bfloat16 as it lies in memory. Kernels compute with it as float (device_code.hpp).
#pragma once

#include <cstdint>

namespace argosy::cuda {

struct bf16 {
  std::uint16_t bits;
};

}  // namespace argosy::cuda

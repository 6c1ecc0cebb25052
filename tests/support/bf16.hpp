// Numbers of bfloat16 on the host, by their bits.
#pragma once

#include <bit>
#include <cstdint>

#include "kernels/cpu/bfloat16.hpp"

namespace argosy::test {

struct bf16 {
  std::uint16_t bits = 0;
};

inline float number_of(bf16 x) noexcept { return std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16); }

inline bf16 bf16_of(float x) noexcept { return {cpu::to_bfloat16(x)}; }

}  // namespace argosy::test

// The longest sequence of a packing, in rows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace argosy::cuda {

inline std::int64_t longest(std::span<const std::int32_t> offset) {
  std::int32_t most = 0;
  for (std::size_t b = 1; b < offset.size(); ++b) most = std::max(most, offset[b] - offset[b - 1]);
  return most;
}

}  // namespace argosy::cuda

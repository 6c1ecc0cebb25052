// The snapshots of memory banks as bytes, for the other ranks of a group.
//   of each   entries u64, columns i64, place i64, then embedding, log p, product, step, as model/memory_bank.hpp has them
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/status.hpp"
#include "model/memory_bank.hpp"

namespace argosy {

std::vector<std::byte> bytes_of(std::span<const memory_bank::snapshot>);
// corrupt where lengths contradict each other.
result<std::vector<memory_bank::snapshot>> snapshots_of(std::span<const std::byte>);

}  // namespace argosy

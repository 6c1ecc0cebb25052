#include "model/sharding.hpp"

#include <algorithm>

namespace argosy {
namespace {

std::vector<std::int32_t> holders_of(std::span<const sharding> held, int of) {
  std::vector<std::int32_t> holders;
  for (int shard = 0; shard < of; ++shard) {
    const auto found = std::ranges::find_if(held, [&](const sharding& s) { return s.of == of && s.holds(shard); });
    if (found == held.end()) return {};
    holders.push_back(static_cast<std::int32_t>(found - held.begin()));
  }
  return holders;
}

}  // namespace

std::vector<std::int32_t> holders_of(std::span<const sharding> held) {
  for (const sharding& one : held)
    if (auto holders = holders_of(held, one.of); !holders.empty()) return holders;
  return {};
}

arena_range common(const arena_range& a, const arena_range& b) noexcept {
  const std::int64_t first = std::max(a.first, b.first);
  return {first, std::max<std::int64_t>(0, std::min(a.end(), b.end()) - first)};
}

arena_range shard_of(std::int64_t arena_numbers, int shard, int of) noexcept {
  const std::int64_t blocks = arena_numbers / arena_block;
  const auto first_of = [&](int which) { return blocks * which / of * arena_block; };
  return {first_of(shard), first_of(shard + 1) - first_of(shard)};
}

}  // namespace argosy

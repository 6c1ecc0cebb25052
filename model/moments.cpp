#include "model/moments.hpp"

#include <algorithm>

namespace argosy {

result<adamw_moments> adamw_moments::make(device& on, const arena_sizes& sizes, const sharding& held) {
  adamw_moments made;
  made.held_ = held;
  for (int shard = 0; shard < held.of; ++shard)
    for (int arena = 0; arena < arenas; ++arena) {
      const arena_range at = shard_of(sizes[static_cast<std::size_t>(arena)], shard, held.of);
      if (!held.holds(shard) || at.count == 0) continue;
      part p{arena, shard, at, {}, {}};
      ARGOSY_ASSIGN(p.first, tensor::make(on, 1, at.count));
      ARGOSY_ASSIGN(p.second, tensor::make(on, 1, at.count));
      made.parts_.push_back(std::move(p));
    }
  return made;
}

adamw_moments::views adamw_moments::at(int arena, const arena_range& range) noexcept {
  const auto found = std::ranges::find_if(
      parts_, [&](const part& p) { return p.arena == arena && p.at.first <= range.first && range.end() <= p.at.end(); });
  ARGOSY_CHECK(found != parts_.end());
  const auto in = [&](tensor& whole) { return whole.all().column_range(range.first - found->at.first, range.count); };
  return {in(found->first), in(found->second)};
}

}  // namespace argosy

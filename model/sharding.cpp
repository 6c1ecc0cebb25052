#include "model/sharding.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

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

// Every other place is given out first, then those between, to the nodes of one machine after those of another: the largest first, whose nodes
// then fill no more than every other place.
std::vector<std::size_t> machines_apart(std::span<const std::string> machines) {
  const std::size_t count = machines.size();
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto follows_its_like = [&](std::size_t at) { return machines[at] == machines[(at + 1) % count]; };
  if (std::ranges::none_of(order, follows_its_like) || std::ranges::all_of(order, follows_its_like)) return order;

  const auto nodes_of = [&](std::size_t node) { return std::ranges::count(machines, machines[node]); };
  const auto first_of = [&](std::size_t node) { return std::ranges::find(machines, machines[node]) - machines.begin(); };
  std::ranges::stable_sort(order, {}, [&](std::size_t node) { return std::pair(-nodes_of(node), first_of(node)); });
  std::vector<std::size_t> ranks(count);
  std::size_t place = 0;
  for (const std::size_t node : order) {
    ranks[place] = node;
    place = place + 2 < count || place % 2 == 1 ? place + 2 : 1;
  }
  std::rotate(ranks.begin(), std::ranges::find(ranks, std::size_t{0}), ranks.end());
  return ranks;
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

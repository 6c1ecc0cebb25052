// How the optimiser's state of a model is shared among the ranks that train it: each arena of the parameters (model/parameters.hpp) is cut into
// as many shards as there are ranks. A rank holds its own shard and a copy of the next rank's, so that no rank takes a shard with it when it is lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace argosy {

// Which shards a rank holds: its own and the one after it. Of one rank: everything; of = 0: nothing.
struct sharding {
  int of = 1, rank = 0;
  bool holds(int shard) const noexcept { return shard == rank || shard - 1 == rank || (shard == 0 && of > 0 && rank == of - 1); }
  bool operator==(const sharding&) const = default;
};

// Of each shard the first of these that holds it, of a sharding of which there is every shard; empty where there is none.
std::vector<std::int32_t> holders_of(std::span<const sharding>);

// By rank the node that gets it, of nodes on these machines: ranks that follow each other, the first one the last one too, are of different
// machines where no machine has more than half of the nodes, so that a machine takes no shard with it when it is lost; elsewhere as many as this
// gives. Node 0 is rank 0. Where nothing follows its like, or all are of one machine, the order stays.
std::vector<std::size_t> machines_apart(std::span<const std::string> machines);

// Numbers of an arena, one after the other.
struct arena_range {
  std::int64_t first = 0, count = 0;
  std::int64_t end() const noexcept { return first + count; }
};
arena_range common(const arena_range&, const arena_range&) noexcept;  // count 0: none

// An arena has a whole number of blocks, and so has a shard; shards of a small arena may be empty.
inline constexpr std::int64_t arena_block = 32;  // 128 bytes of float32
constexpr std::int64_t whole_blocks(std::int64_t numbers) noexcept { return (numbers + arena_block - 1) / arena_block * arena_block; }
arena_range shard_of(std::int64_t arena_numbers, int shard, int of) noexcept;

}  // namespace argosy

// The slots of a shard of a pair table (pair_table.hpp), as its reader and its writer know them. Not for other rooms.
#pragma once

#include <cstddef>
#include <cstdint>

#include "index/pair_answer.hpp"
#include "index/pair_table.hpp"
#include "schema/container.hpp"

namespace argosy {

inline constexpr file_kind pair_file_kind = {"pair-table", 1};
// entries, collisions, buckets, shard, shards, products, k, xxh3 of the products
inline constexpr std::size_t pair_facts = 8;

struct pair_slot {
  std::uint64_t check = 0;
  std::uint32_t qid = 0;
  std::uint32_t place_plus_1 = 0;  // of the answer, in units of answer_unit; 0: an empty slot

  static constexpr std::uint64_t most_places = 0xFFFFFFFF;
  static pair_slot of(pair_key key, std::uint64_t place) noexcept { return {key.check, key.qid, static_cast<std::uint32_t>(place + 1)}; }
  pair_key key() const noexcept { return {qid, check}; }
  bool empty() const noexcept { return place_plus_1 == 0; }
};

inline constexpr std::uint64_t slots_of_bucket = 4;  // 64 bytes

constexpr std::uint64_t buckets_for(std::uint64_t entries) noexcept { return (5 * entries + 15) / 16; }

// Rises with qid within a shard, so that the slots are sorted. REQUIRES at most 2^32 buckets.
constexpr std::uint64_t home_bucket(std::uint32_t qid, std::uint64_t of, std::uint64_t buckets) noexcept {
  return (qid * of & 0xFFFFFFFFu) * buckets >> 32;
}

}  // namespace argosy

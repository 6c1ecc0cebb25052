// A score and a row as one number that is larger the better the hit: the larger score first, of equal ones the smaller row. The best are found
// in less time among numbers than among hits (`argosy bench scans`).
// -0 becomes 0; what is no number is the least.
// For the index, and `argosy bench scans`.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <vector>

#include "index/vector_index.hpp"

namespace argosy {

using ranked_key = std::uint64_t;

constexpr ranked_key key_of(std::int32_t score, std::uint32_t row) noexcept {
  return ranked_key{static_cast<std::uint32_t>(score) ^ 0x8000'0000u} << 32 | static_cast<std::uint32_t>(~row);
}
constexpr std::int32_t integer_score(ranked_key key) noexcept {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(key >> 32) ^ 0x8000'0000u);
}
constexpr std::uint32_t row_of_key(ranked_key key) noexcept { return ~static_cast<std::uint32_t>(key); }

// The bits of a float that is not negative rise with it, those of a negative one fall.
constexpr ranked_key key_of(const hit& one) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(one.score + 0.0f);
  const std::uint32_t rising = one.score != one.score ? 0u : (bits >> 31) != 0 ? ~bits : bits | 0x8000'0000u;
  return ranked_key{rising} << 32 | static_cast<std::uint32_t>(~one.row);
}
// An order of what a file's numbers may come to, NaN too: std::sort runs out of its range where there is none.
constexpr bool better(const hit& a, const hit& b) noexcept { return key_of(a) > key_of(b); }
constexpr hit hit_of(ranked_key key) noexcept {
  const auto rising = static_cast<std::uint32_t>(key >> 32);
  return {row_of_key(key), std::bit_cast<float>((rising >> 31) != 0 ? rising ^ 0x8000'0000u : ~rising)};
}

// The k best; the worst of them is the last, the others in no order.
inline void keep_best(std::vector<ranked_key>& keys, std::size_t k) noexcept {
  if (keys.size() <= k) return;
  std::nth_element(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(k - 1), keys.end(), std::greater<>());
  keys.resize(k);
}
// Best first. Sorts the keys.
inline std::vector<hit> sorted_hits(std::vector<ranked_key>& keys) {
  std::sort(keys.begin(), keys.end(), std::greater<>());
  std::vector<hit> hits;
  hits.reserve(keys.size());
  for (const ranked_key key : keys) hits.push_back(hit_of(key));
  return hits;
}

}  // namespace argosy

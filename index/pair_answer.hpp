// The bytes of an answer in a pair table (pair_table.hpp). Little-endian; bits fill a byte from its lowest on.
//     0  u16 count of hits | 2  u8 bits of a score difference, at most 12 | 3  0 | 4  f32 best score | 8  f32 step of the grid
//     12 of each hit, best first: its row, bits_of_row(N) bits, and how many places of the grid it lies below the one before, that many bits;
//     then zero bits to a multiple of 8 bytes
//     score i = best - step * sum of the differences up to i, the first being 0
// Row and difference lie side by side, so that the first hits are in one cache line, and a hit is one load.
// Not for other rooms.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "index/vector_index.hpp"

namespace argosy {

inline constexpr std::size_t answer_unit = 8;  // answers begin at its multiples, and may be read to that far behind their end
inline constexpr std::size_t answer_head = 12;

// Of rows 0 to products - 1; at least one.
constexpr unsigned bits_of_row(std::uint64_t products) noexcept {
  return products <= 2 ? 1 : static_cast<unsigned>(std::bit_width(products - 1));
}

// Bytes of an answer with k hits, at most.
constexpr std::uint64_t longest_answer(std::uint64_t products, std::uint64_t k) noexcept {
  constexpr std::uint64_t most_score_bits = 12;
  const std::uint64_t bytes = answer_head + (k * (bits_of_row(products) + most_score_bits) + 7) / 8;
  return (bytes + answer_unit - 1) / answer_unit * answer_unit;
}

// The first `most` hits of the answer that begins `bytes`, which hold answer_unit bytes behind its end. False when no such answer fits into
// them, or it names a row that is none.
bool decode_answer(std::span<const std::byte> bytes, std::uint64_t products, std::size_t most, std::vector<hit>& to);

}  // namespace argosy

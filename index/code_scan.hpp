// The two inner loops of the hierarchical index, in integers, so that every version gives the same bits.
//   scan   sums[j] = sum over m of table[m][code of vector j in part m], for the 32 vectors of a block: 16 entries of a table fit one
//          register, and a byte shuffle looks up a register full of codes (André et al., "Cache locality is not enough", VLDB 2015)
//   dot    sum over i of query[i] row[i], rows of 8 bits; dot_wide: rows of 12 bits
// Letters   M parts of a vector, a multiple of 8; a block is 32 vectors.
// Layout    A block is M x 16 bytes: byte j of part m holds vector j in its low, vector 16 + j in its high four bits.
// Limits    entries of a table are at most entry_limit(M), so that two add up in a byte and all in 15 bits; |query[i]| at most
//           query_limit(D), or wide_query_limit(D), so that a dot product stays below 2^31.
// Versions  plain (the definition), AVX2, AVX-512; chosen at run time, compared in tests/index/code_scan.cpp.
// For the index, and `argosy bench scans`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace argosy {

inline constexpr std::size_t block_vectors = 32, part_bytes = 16, part_entries = 16, parts_multiple = 8, dot_multiple = 32;

constexpr std::size_t block_bytes(std::size_t parts) noexcept { return parts * part_bytes; }
constexpr int entry_limit(std::size_t parts) noexcept { return static_cast<int>(std::min<std::size_t>(127, 32767 / parts)); }
constexpr int query_limit(std::size_t columns) noexcept {
  return static_cast<int>(std::min<std::size_t>(32767, 0x7fffffff / (127 * columns)));
}

inline constexpr int wide_limit = 2047;  // |row[i]| of dot_wide
constexpr int wide_query_limit(std::size_t columns) noexcept {
  return static_cast<int>(std::min<std::size_t>(32767, 0x7fffffff / (static_cast<std::size_t>(wide_limit) * columns)));
}

struct scan_kernels {
  const char* name;
  // `blocks` blocks end to end. sums (blocks, 32); bit j of hits[b] says whether sums[b][j] > threshold. table (M, 16).
  void (*scan)(const std::uint8_t* codes, std::size_t blocks, const std::uint8_t* table, std::size_t parts, int threshold,
               std::uint16_t* sums, std::uint32_t* hits) noexcept;
  // `columns` a multiple of 32.
  std::int32_t (*dot)(const std::int16_t* query, const std::int8_t* row, std::size_t columns) noexcept;
  std::int32_t (*dot_wide)(const std::int16_t* query, const std::int16_t* row, std::size_t columns) noexcept;
};

// Those that this machine runs, the fastest first; the plain one is the last.
std::span<const scan_kernels> available_scan_kernels();

extern const scan_kernels plain_scan, avx2_scan, avx512_scan;  // the latter two: only where the processor has them

}  // namespace argosy

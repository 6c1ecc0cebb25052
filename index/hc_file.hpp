// The file of the hierarchical index, kind "index-hc"; schema/FORMATS.md has it byte by byte. Not for other rooms.
#pragma once

#include <cstdint>
#include <limits>

#include "schema/container.hpp"

namespace argosy::hc {

inline constexpr file_kind kind = {"index-hc", 1};
inline constexpr std::uint32_t no_row = std::numeric_limits<std::uint32_t>::max();  // fills the last block of a leaf
inline constexpr std::uint64_t most_levels = 8, most_columns = 1 << 14, most_code_bytes = 1 << 10;

// Section "facts", u64 each, in this order.
enum fact : std::size_t { fact_vectors, fact_columns, fact_levels, fact_kept, fact_stored, fact_count };

}  // namespace argosy::hc

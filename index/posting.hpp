// Sets of rows as Roaring bitmaps: Chambi, Lemire, Kaser, Godin, arXiv:1402.6407; by CRoaring. A list on disk has their portable format
// (https://github.com/RoaringBitmap/RoaringFormatSpec).
// Not for other rooms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <roaring/roaring.hh>
#include <span>
#include <string>

#include "base/status.hpp"
#include "index/row_set.hpp"

namespace argosy {

// Rising rows -> bytes.
std::string encode_posting(std::span<const std::uint32_t> rows);
// Bytes that hold a set of exactly `count` rows below `rows`; anything else is corrupt. Every length and order in them is checked before
// CRoaring sees them: it trusts what it reads.
result<Roaring> decode_posting(std::span<const std::uint8_t> bytes, std::uint64_t rows, std::uint64_t count);

// Rows in any order, of `rows` in all, into a set: by their bits when they are many.
Roaring posting_of(std::span<const std::uint32_t> members, std::size_t rows);
row_set rows_of(const Roaring&, std::size_t rows);

}  // namespace argosy

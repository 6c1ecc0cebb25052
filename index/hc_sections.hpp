// An open file of the hierarchical index (hc_file.hpp), and the index over it. Not for other rooms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "index/hc_file.hpp"
#include "index/hc_index.hpp"
#include "index/packed_rows.hpp"
#include "index/product_quantiser.hpp"

namespace argosy::hc {

struct level {
  std::span<const std::int8_t> centroid;
  std::span<const float> scale;
  std::span<const std::uint64_t> children;
  std::size_t nodes() const noexcept { return scale.size(); }
};

// The sections of an open file. The great ones are verified as they are touched.
struct sections {
  std::size_t rows = 0, columns = 0, kept = 0, kept_stride = 0;
  row_layout layout;
  std::span<const float> axis, weight;
  stored_vectors stored = stored_vectors::packed;
  std::vector<level> levels;
  std::span<const std::uint64_t> leaf_block;
  std::span<const std::uint32_t> row;
  std::span<const std::uint8_t> code;
  std::span<const std::byte> packed;
  std::span<const float> floats;
  std::size_t leaves() const noexcept { return leaf_block.size() - 1; }
};

std::unique_ptr<vector_index> make_index(const sections&, product_quantiser, section_blocks rows, section_blocks codes,
                                         section_blocks vectors, container_reader file);

}  // namespace argosy::hc

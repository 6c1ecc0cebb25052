// From an id's hash to its row: an open table, filled once. A look-up that finds nothing reads one cache line, mostly.
// Not for other rooms.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace argosy {

class id_table {
public:
  static std::uint64_t hash_of(std::string_view id) noexcept { return std::hash<std::string_view>{}(id); }

  // For so many rows, fewer than 2^32 - 1.
  explicit id_table(std::size_t rows = 0) : slots_(std::bit_ceil(2 * rows + 1)) {}

  void add(std::uint64_t hash, std::uint32_t row) noexcept {
    std::size_t at = hash & (slots_.size() - 1);
    while (slots_[at].row != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {tag_of(hash), row + 1};
  }
  // The row whose id `is` the wanted one.
  template <class Is>
  std::optional<std::uint32_t> find(std::uint64_t hash, Is&& is) const {
    for (std::size_t at = hash & (slots_.size() - 1); slots_[at].row != 0; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].tag == tag_of(hash) && is(slots_[at].row - 1)) return slots_[at].row - 1;
    }
    return std::nullopt;
  }

private:
  struct slot {
    std::uint32_t tag = 0, row = 0;  // row: plus one; 0: empty
  };
  static std::uint32_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 32); }
  std::vector<slot> slots_;
};

}  // namespace argosy

// The columns that a query does not count: its own product elsewhere and its known positives (qpm_loss.hpp).
// Cost      one look-up a column of products and bank, not one a cell.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/qpm_loss.hpp"

namespace argosy::cpu {

// Columns are numbered through: products 0 .. M-1, bank M .. M+K-1.
class qpm_masks {
public:
  explicit qpm_masks(const qpm_input&);
  // Rising, without the own column.
  std::span<const std::int32_t> of(std::int64_t query) const noexcept {
    const auto q = static_cast<std::size_t>(query);
    return std::span(columns_).subspan(offset_[q], offset_[q + 1] - offset_[q]);
  }

private:
  std::vector<std::size_t> offset_;
  std::vector<std::int32_t> columns_;
};

}  // namespace argosy::cpu

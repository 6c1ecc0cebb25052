// Scores of many rows for 16 queries at once. The queries lie side by side in a panel, so that a row's element meets all of
// them in two registers and nothing has to be summed across lanes.
//     scores[r][q] = sum over i of rows[r][i] panel[i][q]
// Letters   R rows, D columns, 16 queries; rows (R, D), panel (D, 16), scores (R, 16), all row-major without gaps.
// Cost      32*R*D flops. Of a batch smaller than 16 the rest of the panel is zero.
// Not for other rooms.
#pragma once

#include <cstddef>

#include "kernels/tensor.hpp"

namespace argosy {

inline constexpr std::size_t panel_queries = 16;

// queries (1 .. 16, D) f32.
void pack_panel(const_view queries, float* panel) noexcept;
void score_panel(const float* rows, std::size_t count, std::size_t columns, const float* panel, float* scores) noexcept;

}  // namespace argosy

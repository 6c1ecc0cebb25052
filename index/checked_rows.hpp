// What every index demands of vectors and queries. Not for other rooms.
#pragma once

#include <string_view>

#include "index/vector_index.hpp"

namespace argosy {

// f32, at least one column, fewer than 2^32 - 1 rows, every value finite and at most 1e15, so that no inner product overflows (ours).
status check_vectors(const_view vectors);
// k, threads, allowed; queries f32 of `columns` columns with values as above.
status check_search(const_view queries, const search_options&, std::size_t rows, std::size_t columns);
// Rows first to first + count of `rows`.
status check_rows(std::size_t first, std::size_t count, std::size_t rows);

}  // namespace argosy

// Embeddings of queries that a generation keeps, drawn evenly from those its model was trained on: what its index is tuned and measured with.
// `queries.argosy`, a container of kind "query-sample" in the generation's folder; a generation published from a catalogue alone has none.
#pragma once

#include <filesystem>
#include <vector>

#include "base/status.hpp"
#include "kernels/tensor.hpp"

namespace argosy {

inline constexpr const char* query_sample_name = "queries.argosy";

// (Q, D) f32.
status write_query_sample(const std::filesystem::path& folder, const_view queries);
// Q x D values, all verified; not_found when the folder has no sample.
result<std::vector<float>> read_query_sample(const std::filesystem::path& folder, std::size_t columns);

}  // namespace argosy

// Queries to tune or to measure a store with: those of a file, or those that the generation keeps (index/query_sample.hpp).
#pragma once

#include <filesystem>
#include <vector>

#include "base/status.hpp"
#include "search/searcher.hpp"

namespace argosy {

// (Q, D) values. A file is as of `argosy evaluate --queries`; queries without words are left out. REQUIRES a store that is open.
result<std::vector<float>> asked_queries(searcher&, const std::filesystem::path& file);

}  // namespace argosy

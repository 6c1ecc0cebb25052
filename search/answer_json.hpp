// An answer as JSON, of `argosy search --json` and of the server alike: keys are stable.
//   {"query": .., "source": "index" or "pair table", "restricted": [{"text", "field", "values"}],
//    "results": [{"id", "score", "title", "channels", "within"}]}
// Bytes that are no UTF-8 are replaced where the object is written.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "index/live_generation.hpp"
#include "search/facets.hpp"
#include "search/product_search.hpp"

namespace argosy {

nlohmann::ordered_json answer_json(const std::string& query, const search_answer&, const live_generation& from);
// [{"field", "values": [{"value", "count"}]}]
nlohmann::ordered_json facets_json(const std::vector<facet>&);
// In one line.
std::string json_text(const nlohmann::ordered_json&);

}  // namespace argosy

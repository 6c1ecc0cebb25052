// An answer as JSON, of `argosy search --json` and of the server alike: keys are stable.
//   {"generation", "seconds", "query": .., "source": "index" or "pair table", "restricted": [{"text", "field", "values"}],
//    "results": [{"id", "score", "title", "channels", "within"}], "facets": [{"field", "values": [{"value", "count"}]}]}
// generation and seconds are a server's; facets where they are asked for. A router's has no generation, but "partial": fewer shards answered
// than were asked, and "shards": {"total", "answered"}. Bytes that are no UTF-8 are replaced.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "index/live_generation.hpp"
#include "schema/search_wire.hpp"
#include "search/facets.hpp"
#include "search/product_search.hpp"

namespace argosy {

// What a server tells with an answer.
struct served_answer {
  std::uint64_t generation = 0;
  double seconds = 0;
  const std::vector<facet>* facets = nullptr;
  std::size_t results = std::numeric_limits<std::size_t>::max();  // the first so many
};

// In one line, written as it goes: an object of many small parts takes several times as long (docs/measurements/serving.md).
std::string answer_text(const std::string& query, const search_answer&, const live_generation& from, const served_answer* = nullptr);
// What answered: "pair table" or "index".
std::string_view source_of(bool from_pairs) noexcept;
// Of a router.
std::string answer_text(const std::string& query, const wire_answer&, double seconds);
// Any other object, in one line.
std::string json_text(const nlohmann::ordered_json&);

}  // namespace argosy

#include "search/answer_json.hpp"

namespace argosy {
namespace {

using nlohmann::ordered_json;

ordered_json channels_of(const found_product& product) {
  auto names = ordered_json::array();
  for (std::size_t c = 0; c < std::size(channel_names); ++c)
    if ((product.channels >> c & 1) != 0) names.push_back(channel_names[c]);
  return names;
}

}  // namespace

ordered_json answer_json(const std::string& query, const search_answer& answer, const live_generation& from) {
  auto results = ordered_json::array();
  for (const found_product& found : answer.products) {
    const product_facts facts = from.facts(found.row);
    results.push_back(
        {{"id", facts.id}, {"score", found.score}, {"title", facts.title}, {"channels", channels_of(found)}, {"within", found.within}});
  }
  auto restricted = ordered_json::array();
  for (const restriction& one : answer.restricted) restricted.push_back({{"text", one.text}, {"field", one.field}, {"values", one.values}});
  return {{"query", query},
          {"source", answer.from_pairs ? "pair table" : "index"},
          {"restricted", std::move(restricted)},
          {"results", std::move(results)}};
}

ordered_json facets_json(const std::vector<facet>& facets) {
  auto all = ordered_json::array();
  for (const facet& one : facets) {
    auto values = ordered_json::array();
    for (const facet_value& value : one.values) values.push_back({{"value", value.value}, {"count", value.count}});
    all.push_back({{"field", one.field}, {"values", std::move(values)}});
  }
  return all;
}

std::string json_text(const ordered_json& object) { return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace); }

}  // namespace argosy

#include "actors/evaluation.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

namespace argosy {
namespace {

nlohmann::ordered_json json_of(const retrieval_metrics& metrics) {
  nlohmann::ordered_json object{{"queries", metrics.queries}};
  for (const auto& [k, value] : metrics.recall) object["recall@" + std::to_string(k)] = value;
  for (const auto& [k, value] : metrics.precision) object["precision@" + std::to_string(k)] = value;
  object["without_relevant"] = metrics.without_relevant;
  return object;
}

void sort_unique(std::vector<std::uint32_t>& rows) {
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
}

}  // namespace

judged_rows rows_of(const judgements& judged, std::size_t products, const std::function<std::string_view(std::size_t)>& id_of) {
  std::unordered_map<std::string_view, std::uint32_t> row_of;
  row_of.reserve(products);
  for (std::size_t row = 0; row < products; ++row) row_of.emplace(id_of(row), static_cast<std::uint32_t>(row));
  judged_rows found{std::vector<judged_answer>(judged.queries.size())};
  for (std::size_t q = 0; q < judged.queries.size(); ++q) {
    auto& relevant = found.answers[q].relevant;
    for (const auto& id : judged.queries[q].relevant) {
      const auto place = row_of.find(id);
      place == row_of.end() ? static_cast<void>(++found.unknown_products) : relevant.push_back(place->second);
    }
    sort_unique(relevant);
  }
  return found;
}

std::vector<evaluated_part> measure_parts(const judgements& judged, std::span<const judged_answer> answers,
                                          std::span<const std::size_t> recall_at) {
  std::vector<evaluated_part> parts;
  const auto part = [&](const char* name, auto belongs) {
    std::vector<judged_answer> chosen;
    for (std::size_t q = 0; q < answers.size(); ++q)
      if (belongs(judged.queries[q])) chosen.push_back(answers[q]);
    parts.push_back({name, measure(chosen, recall_at, std::span(&precision_at, 1))});
  };
  part("all", [](const judged_query&) { return true; });
  if (!judged.has_needs_image) return parts;
  part("needs_image", [](const judged_query& q) { return q.needs_image; });
  part("other", [](const judged_query& q) { return !q.needs_image; });
  return parts;
}

nlohmann::ordered_json json_of(std::span<const evaluated_part> parts) {
  nlohmann::ordered_json object;
  for (const auto& part : parts) object[part.name] = json_of(part.metrics);
  return object;
}

}  // namespace argosy

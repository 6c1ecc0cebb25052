// How well judged queries are answered: method.md, section 7; what `argosy evaluate` prints and the evaluator writes.
// Rows   of products, in whatever order the caller numbers them.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "data/judgements.hpp"
#include "index/metrics.hpp"

namespace argosy {

inline constexpr std::size_t precision_at = 10;

// What the queries should find, and in `ranked` what they found: one entry a judged query, in their order.
struct judged_rows {
  std::vector<judged_answer> answers;
  std::uint64_t unknown_products = 0;  // judged relevant, but none of the products
};
judged_rows rows_of(const judgements&, std::size_t products, const std::function<std::string_view(std::size_t row)>& id_of);

struct evaluated_part {
  std::string name;  // "all"; where the query file says which queries need the image, also "needs_image" and "other"
  retrieval_metrics metrics;
};
std::vector<evaluated_part> measure_parts(const judgements&, std::span<const judged_answer>, std::span<const std::size_t> recall_at);

// {"all": {"queries", "recall@K"..., "precision@10", "without_relevant"}, ...}
nlohmann::ordered_json json_of(std::span<const evaluated_part>);

}  // namespace argosy

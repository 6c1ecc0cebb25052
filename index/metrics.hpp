// How good answers are: method.md, section 7.
//   recall@K     share of queries with at least one relevant product among their first K (a hit rate)
//   precision@K  mean over queries of relevant products among the first K, divided by K
// Queries without a relevant product are left out of both and counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/status.hpp"

namespace argosy {

struct judged_answer {
  std::vector<std::uint32_t> ranked;    // product rows, best first, at least max(K) of them or all there are
  std::vector<std::uint32_t> relevant;  // rising
};

struct retrieval_metrics {
  std::size_t queries = 0;                  // measured
  std::size_t without_relevant = 0;         // left out
  std::map<std::size_t, double> recall;     // by K
  std::map<std::size_t, double> precision;  // by K
};

// The place, from 0, of the first relevant product among those ranked.
std::optional<std::size_t> first_relevant(const judged_answer&);

retrieval_metrics measure(std::span<const judged_answer>, std::span<const std::size_t> recall_at,
                          std::span<const std::size_t> precision_at);

}  // namespace argosy

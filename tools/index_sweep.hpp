// Recall and speed of an index at many efforts, over the same queries.
//     recall@k = mean over queries of |the k answers and the k exact ones in common| / k
// Threads   one.
// Speed is of one thread, one query a call: the best of a few rounds, since other work on the machine only ever adds.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "index/vector_index.hpp"

namespace argosy {

struct index_point {
  search_effort effort;
  double recall = 0, queries_per_s = 0;
};

// What is exact: rows of each query's k best.
using exact_rows = std::vector<std::vector<std::uint32_t>>;
result<exact_rows> exact_answers(const vector_index& exact, const_view queries, std::size_t k, int threads);

class index_sweep {
public:
  // All outlive it. `threads` are for recall alone.
  index_sweep(const vector_index& index, const_view queries, const exact_rows& exact, std::size_t k, int threads, const clock_source& clock)
      : index_(&index), queries_(queries), exact_(&exact), k_(k), threads_(threads), clock_(&clock) {}

  result<double> recall(search_effort, std::size_t k) const;
  result<double> recall(search_effort effort) const { return recall(effort, k_); }
  result<double> queries_per_s(search_effort) const;
  result<index_point> point(search_effort) const;
  // The fastest that reaches `wanted`, and all that it was chosen from; nothing when no effort does. aborted by `stop`.
  struct choice {
    std::optional<index_point> best;
    std::vector<index_point> tried;
    double most = 0;  // recall of the greatest effort, when none reached what was wanted
  };
  using progress = std::function<void(std::uint64_t done, std::uint64_t total)>;
  result<choice> cheapest(double wanted, const progress& show, const std::stop_token& stop) const;

private:
  result<double> known_recall(search_effort) const;
  result<std::optional<std::uint32_t>> fewest_leaves(std::uint32_t rerank, double wanted) const;
  const vector_index* index_;
  const_view queries_;
  const exact_rows* exact_;
  std::size_t k_;
  int threads_;
  const clock_source* clock_;
  mutable std::map<std::pair<std::uint32_t, std::uint32_t>, double> known_;  // by leaves and candidates
};

}  // namespace argosy

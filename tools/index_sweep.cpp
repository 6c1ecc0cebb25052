#include "tools/index_sweep.hpp"

#include <algorithm>
#include <utility>

#include "index/hc_index.hpp"

namespace argosy {
namespace {

constexpr int rounds = 3;
constexpr double candidates_for_each[] = {2, 3, 5, 7.5, 10, 15, 20, 30, 50, 100};  // of the k answers, ours

}  // namespace

result<exact_rows> exact_answers(const vector_index& exact, const_view queries, std::size_t k, int threads) {
  ARGOSY_ASSIGN(const auto lists, exact.search(queries, {.k = k, .threads = threads}));
  exact_rows rows;
  for (const auto& list : lists) {
    rows.emplace_back();
    for (const hit& one : list) rows.back().push_back(one.row);
  }
  return rows;
}

result<double> index_sweep::recall(search_effort effort, std::size_t k) const {
  ARGOSY_ASSIGN(const auto lists, index_->search(queries_, {.k = k, .threads = threads_, .effort = effort}));
  std::size_t common = 0, all = 0;
  for (std::size_t q = 0; q < lists.size(); ++q) {
    const auto& exact = (*exact_)[q];
    const auto end = exact.begin() + static_cast<std::ptrdiff_t>(std::min(k, exact.size()));
    for (const hit& one : lists[q]) common += static_cast<std::size_t>(std::count(exact.begin(), end, one.row));
    all += static_cast<std::size_t>(end - exact.begin());
  }
  return all == 0 ? 1.0 : static_cast<double>(common) / static_cast<double>(all);
}

result<double> index_sweep::queries_per_s(search_effort effort) const {
  double best = 0;
  for (int round = 0; round < rounds; ++round) {
    const steady_time start = clock_->now();
    for (std::int64_t q = 0; q < queries_.rows; ++q) {
      ARGOSY_ASSIGN(const auto one, index_->search(queries_.row_range(q, 1), {.k = k_, .effort = effort}));
    }
    best = std::max(best, static_cast<double>(queries_.rows) / seconds_between(start, clock_->now()));
  }
  return best;
}

result<index_point> index_sweep::point(search_effort effort) const {
  ARGOSY_ASSIGN(const double found, recall(effort));
  ARGOSY_ASSIGN(const double speed, queries_per_s(effort));
  return index_point{effort, found, speed};
}

result<double> index_sweep::known_recall(search_effort effort) const {
  const std::pair key{effort.leaves, effort.rerank};
  if (const auto known = known_.find(key); known != known_.end()) return known->second;
  ARGOSY_ASSIGN(const double found, recall(effort));
  known_.emplace(key, found);
  return found;
}

// By doubling, then by halving: more leaves hardly ever find less. Two doublings that find nothing more are the end, since all leaves are a
// scan of everything. It begins with the leaves that a search for k visits in any case: fewer would do for this k, and spoil a smaller one.
result<std::optional<std::uint32_t>> index_sweep::fewest_leaves(std::uint32_t rerank, double wanted) const {
  const auto all = static_cast<std::uint32_t>(index_->leaves());
  auto high = static_cast<std::uint32_t>(std::min<std::size_t>(all, answers_always_visited * k_ * all / index_->size() + 1));
  std::uint32_t low = high - 1;
  double before = -1, last = -1;
  while (true) {
    ARGOSY_ASSIGN(const double found, known_recall({high, rerank}));
    if (found >= wanted) break;
    if (high == all || (found <= before && found > 0)) return std::optional<std::uint32_t>();
    before = std::exchange(last, found);
    low = high;
    high = std::min(2 * high, all);
  }
  while (high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    ARGOSY_ASSIGN(const double found, known_recall({middle, rerank}));
    (found >= wanted ? high : low) = middle;
  }
  return std::optional(high);
}

result<index_sweep::choice> index_sweep::cheapest(double wanted, const progress& show, const std::stop_token& stop) const {
  choice made;
  std::uint64_t done = 0;
  for (const double times : candidates_for_each) {
    show(done++, std::size(candidates_for_each));
    const auto candidates = static_cast<std::size_t>(times * static_cast<double>(k_));
    const auto rerank = static_cast<std::uint32_t>(std::min(candidates, index_->size()));
    if (stop.stop_requested()) return status(errc::aborted, "interrupted");
    ARGOSY_ASSIGN(const auto leaves, fewest_leaves(rerank, wanted));
    if (leaves) {
      ARGOSY_ASSIGN(const index_point found, point({*leaves, rerank}));
      made.tried.push_back(found);
      if (!made.best || found.queries_per_s > made.best->queries_per_s) made.best = found;
    }
    if (candidates >= index_->size()) break;
  }
  if (made.best) return made;
  ARGOSY_ASSIGN(made.most, known_recall({static_cast<std::uint32_t>(index_->leaves()), static_cast<std::uint32_t>(100 * k_)}));
  return made;
}

}  // namespace argosy

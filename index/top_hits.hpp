// The k best hits seen so far. Best: the larger score, of equal ones the smaller row.
// Not for other rooms.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "index/vector_index.hpp"

namespace argosy {

inline bool better(const hit& a, const hit& b) noexcept { return a.score > b.score || (a.score == b.score && a.row < b.row); }

class top_hits {
public:
  explicit top_hits(std::size_t k) : k_(k) { held_.reserve(k); }

  // What a row must exceed to get in. REQUIRES rows offered in rising order: of equal scores the row that came first stays.
  float threshold() const noexcept { return held_.size() < k_ ? -std::numeric_limits<float>::infinity() : held_.front().score; }
  void offer(hit found) noexcept {
    if (!(found.score > threshold())) return;
    if (held_.size() == k_) {
      std::pop_heap(held_.begin(), held_.end(), better);
      held_.pop_back();
    }
    held_.push_back(found);
    std::push_heap(held_.begin(), held_.end(), better);
  }
  const std::vector<hit>& unordered() const noexcept { return held_; }

private:
  std::size_t k_;
  std::vector<hit> held_;  // a heap with the worst in front
};

}  // namespace argosy

// The k best hits seen so far. Best: the larger score, of equal ones the smaller row.
// Up to 2k candidates are held and then halved by selection. A heap was slower for a large k, and no faster for a small one
// (`argosy bench search -k 1000` measures this one).
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
  explicit top_hits(std::size_t k) : k_(k) { held_.reserve(2 * k); }

  // What a row must exceed to get in. REQUIRES rows offered in rising order: of equal scores the row that came first stays.
  float threshold() const noexcept { return threshold_; }
  void offer(hit found) noexcept {
    if (!(found.score > threshold_)) return;
    held_.push_back(found);
    if (held_.size() == 2 * k_) halve();
  }
  // In no order; the k best are among them.
  const std::vector<hit>& candidates() const noexcept { return held_; }
  // The best, best first. Ends the list.
  std::vector<hit> sorted() {
    if (held_.size() > k_) halve();
    std::sort(held_.begin(), held_.end(), better);
    return std::move(held_);
  }

private:
  void halve() noexcept {
    std::nth_element(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(k_ - 1), held_.end(), better);
    held_.resize(k_);
    threshold_ = held_.back().score;
  }

  std::size_t k_;
  float threshold_ = -std::numeric_limits<float>::infinity();
  std::vector<hit> held_;
};

}  // namespace argosy

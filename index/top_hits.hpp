// The k best hits seen so far. Best: the larger score, of equal ones the smaller row. Scores are not NaN.
// Up to 2k candidates are held and then halved by selection. A heap was slower for a large k, and no faster for a small one
// (`argosy bench search -k 1000` measures this one).
// Not for other rooms.
#pragma once

#include <limits>
#include <vector>

#include "index/ranked_key.hpp"
#include "index/vector_index.hpp"

namespace argosy {

class top_hits {
public:
  explicit top_hits(std::size_t k) : k_(k) { held_.reserve(2 * k); }

  // What a row must exceed to get in. REQUIRES rows offered in rising order: of equal scores the row that came first stays.
  float threshold() const noexcept { return threshold_; }
  void offer(hit found) noexcept {
    if (!(found.score > threshold_)) return;
    held_.push_back(key_of(found));
    if (held_.size() == 2 * k_) halve();
  }
  // In no order; the k best are among them.
  const std::vector<ranked_key>& candidates() const noexcept { return held_; }
  // The best, best first. Ends the list.
  std::vector<hit> sorted() {
    keep_best(held_, k_);
    return sorted_hits(held_);
  }

private:
  void halve() noexcept {
    keep_best(held_, k_);
    threshold_ = hit_of(held_.back()).score;
  }

  std::size_t k_;
  float threshold_ = -std::numeric_limits<float>::infinity();
  std::vector<ranked_key> held_;
};

}  // namespace argosy

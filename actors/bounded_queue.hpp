// What waits between those who ask and the actors that answer: bounded, so that more than can be done is refused at once instead of waiting
// longer and longer. Knows no actors: whoever sleeps is woken by a function.
// Threads   any.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace argosy {

template <class T>
class bounded_queue {
public:
  // `most`: how much of all that waits together, where each is one, or as much as push() is told.
  explicit bounded_queue(std::size_t most) : most_(most) {}

  // False when it would be too much; `one` is as it was then. Wakes one that sleeps.
  bool push(T&& one, std::size_t weight = 1) {
    std::function<void()> wake;
    {
      const std::lock_guard guard(lock_);
      if (weight > most_ - weight_) return false;
      weight_ += weight;
      waiting_.emplace_back(std::move(one), weight);
      if (!asleep_.empty()) {
        wake = std::move(asleep_.back());
        asleep_.pop_back();
      }
    }
    if (wake) wake();
    return true;
  }

  // At most so many, the oldest first. None: the caller sleeps, and `wake` is called, once, when there is something again.
  std::vector<T> take(std::size_t most, std::function<void()> wake) {
    const std::lock_guard guard(lock_);
    if (waiting_.empty()) asleep_.push_back(std::move(wake));
    std::vector<T> taken;
    for (; taken.size() < most && !waiting_.empty(); waiting_.pop_front()) {
      weight_ -= waiting_.front().second;
      taken.push_back(std::move(waiting_.front().first));
    }
    return taken;
  }

  std::size_t size() const {
    const std::lock_guard guard(lock_);
    return waiting_.size();
  }

private:
  const std::size_t most_;
  mutable std::mutex lock_;  // for what follows
  std::deque<std::pair<T, std::size_t>> waiting_;
  std::size_t weight_ = 0;
  std::vector<std::function<void()>> asleep_;
};

}  // namespace argosy

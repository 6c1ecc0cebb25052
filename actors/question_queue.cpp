#include "actors/question_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace argosy {

bool question_queue::push(question&& one) {
  std::function<void()> wake;
  {
    const std::lock_guard guard(lock_);
    if (waiting_.size() >= most_) return false;
    waiting_.push_back(std::move(one));
    if (!asleep_.empty()) {
      wake = std::move(asleep_.back());
      asleep_.pop_back();
    }
  }
  if (wake) wake();
  return true;
}

std::vector<question> question_queue::take(std::size_t most, std::function<void()> wake) {
  const std::lock_guard guard(lock_);
  if (waiting_.empty()) {
    asleep_.push_back(std::move(wake));
    return {};
  }
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(most, waiting_.size()));
  std::vector<question> taken(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  return taken;
}

std::size_t question_queue::size() const {
  const std::lock_guard guard(lock_);
  return waiting_.size();
}

}  // namespace argosy

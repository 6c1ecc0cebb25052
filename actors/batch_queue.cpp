#include "actors/batch_queue.hpp"

#include <utility>

#include "actors/error.hpp"

namespace argosy {

batch_queue::batch_queue(maker make, std::uint64_t end, std::size_t depth) : make_(std::move(make)), end_(end), depth_(depth) {}

result<std::shared_ptr<const batch>> batch_queue::make(std::uint64_t step) const {
  auto content = guarded([&] { return make_(step); });
  if (!content) return content.failure().within("batch of step " + std::to_string(step));
  return std::make_shared<const batch>(std::move(*content));
}

result<std::shared_ptr<const batch>> batch_queue::take(std::uint64_t step) {
  while (!ready_.empty() && ready_.front().step != step) ready_.pop_front();
  if (ready_.empty()) {
    next_ = step + 1;
    return make(step);
  }
  auto taken = std::move(ready_.front().content);
  ready_.pop_front();
  return taken;
}

bool batch_queue::fill() {
  if (next_ >= end_ || ready_.size() >= depth_) return false;
  ready_.push_back({next_, make(next_)});
  ++next_;
  return next_ < end_ && ready_.size() < depth_;
}

}  // namespace argosy

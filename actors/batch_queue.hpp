// The loader's state: batches of one rank, made ahead of need. Where a batch is made does not change what it holds: it is a function of its
// step, so a queue that starts anywhere, or is asked out of order, gives the same batches.   Threads  one.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "data/batch.hpp"

namespace argosy {

class batch_queue {
public:
  using maker = std::function<result<batch>(std::uint64_t step)>;
  // Steps end before `end`; at most `depth` batches wait.
  batch_queue(maker, std::uint64_t end, std::size_t depth);

  // The batch of a step: a waiting one, else made now. Batches of earlier steps are dropped.
  result<std::shared_ptr<const batch>> take(std::uint64_t step);
  // Makes one batch ahead; false when none is wanted. A failure is kept for the take() of that step.
  bool fill();

private:
  struct made {
    std::uint64_t step;
    result<std::shared_ptr<const batch>> content;
  };
  result<std::shared_ptr<const batch>> make(std::uint64_t step) const;

  maker make_;
  std::uint64_t end_, next_ = 0;
  std::size_t depth_;
  std::deque<made> ready_;
};

}  // namespace argosy

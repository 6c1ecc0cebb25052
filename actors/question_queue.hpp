// Questions between those who ask and the actors that answer: bounded, so that more than can be answered is refused at once instead of
// waiting longer and longer. Knows no actors: whoever sleeps is woken by a function.
// Threads   any.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "search/product_search.hpp"

namespace argosy {

struct answered_question {
  search_answer found;
  std::shared_ptr<const searcher> from;  // its products
};

struct question {
  std::string query;
  search_request request;
  bool live = false;  // the pair table is not asked
  std::chrono::milliseconds patience = std::chrono::milliseconds::max();
  steady_time deadline{};
  std::function<void(const result<answered_question>&)> tell;  // once; neither blocks nor throws
};

class question_queue {
public:
  explicit question_queue(std::size_t most) : most_(most) {}

  // False when it is full; the question is as it was then. Wakes one that sleeps.
  bool push(question&&);
  // At most so many, the oldest first. None: the caller sleeps, and `wake` is called, once, when there is something again.
  std::vector<question> take(std::size_t most, std::function<void()> wake);
  std::size_t size() const;

private:
  const std::size_t most_;
  mutable std::mutex lock_;  // for what follows
  std::deque<question> waiting_;
  std::vector<std::function<void()>> asleep_;
};

}  // namespace argosy

// Questions between the endpoints and the search actors.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "actors/bounded_queue.hpp"
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

using question_queue = bounded_queue<question>;

}  // namespace argosy

// The actors of a server in one process: search actors with a thread each, and the catalogue actor that hands them the store as it changes.
// Endpoints ask; answers come on a search actor's thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "actors/question_queue.hpp"
#include "actors/serving_metrics.hpp"
#include "base/clock.hpp"

namespace argosy {

// What an endpoint takes of one question, and of one request with many.
inline constexpr std::size_t longest_query = 1000, longest_filter = 8192;  // bytes
inline constexpr std::size_t most_results = 1000, most_queries = 256;

struct serving_options {
  std::filesystem::path store;
  int searches = 1;            // search actors, each with a copy of the query tower
  std::size_t waiting = 1024;  // questions; more are refused
  std::chrono::milliseconds deadline{1000};
};

class serving {
public:
  // The store is open, and answers, when it returns. Errors of the store; unavailable when the system gives no thread.
  static result<std::unique_ptr<serving>> start(const serving_options&, const clock_source&);
  // What waits is answered by nothing any more: drain the endpoints before.
  ~serving();

  // Sets the question's deadline: its own patience, or the server's where that is shorter. False when too many wait already: nobody is told anything then.
  bool ask(question&&);
  std::size_t waiting() const;
  serving_metrics& metrics() noexcept;
  const clock_source& clock() const noexcept;
  // The newest state of the store that the search actors were given. Any thread.
  std::shared_ptr<const searcher> newest() const;

private:
  struct impl;
  explicit serving(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

}  // namespace argosy

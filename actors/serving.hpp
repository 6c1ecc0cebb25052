// The actors of a server in one process: search actors with a thread each, and the catalogue actor that hands them the store as it changes.
// Where it writes, a change actor too, which is the store's one writer (index/live_store.hpp), and those that compact it.
// Endpoints ask; answers come on a search actor's thread, those to changes on the change actor's.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "actors/change_queue.hpp"
#include "actors/compaction_watch.hpp"
#include "actors/question_queue.hpp"
#include "actors/serving_metrics.hpp"
#include "actors/slow_queries.hpp"
#include "base/clock.hpp"
#include "search/product_fields.hpp"

namespace argosy {

// What an endpoint takes of one question, and of one request with many.
inline constexpr std::size_t longest_query = 1000, longest_filter = 8192;  // bytes
inline constexpr std::size_t most_results = 1000;
inline constexpr std::size_t most_results_together = 20'000;  // of all queries of a request: what its reply takes stays bounded

struct serving_options {
  std::filesystem::path store;
  int searches = 1;                       // search actors, each with a copy of the query tower
  compute arithmetic = compute::float32;  // of it
  std::size_t waiting = 1024;             // questions; more are refused
  std::chrono::milliseconds deadline{1000};
  std::optional<product_writer_options> writes = {};  // none: products are not changed by this process
  std::size_t waiting_bytes = 64u << 20;              // of changes; more are refused
  std::uint64_t compact_after = 0;                    // rows put or gone (compaction_watch.hpp); 0: when asked alone
  int compact_threads = 1;
  std::chrono::milliseconds slow{0};  // queries that take longer are told to the log; 0: none
};

class serving {
public:
  // The store is open, and answers, when it returns. Errors of the store; unavailable when the system gives no thread, or when it is to write
  // and another process does.
  static result<std::unique_ptr<serving>> start(const serving_options&, const clock_source&);
  // What waits is answered by nothing any more: drain the endpoints before.
  ~serving();

  // Sets the question's deadline: its own patience, or the server's where that is shorter. False when too many wait already: nobody is
  // told anything then.
  bool ask(question&&);
  std::size_t waiting() const;
  // Whether there is a change actor.
  bool writes() const noexcept;
  // False when too much waits already: nobody is told anything then. REQUIRES writes().
  bool change(change_request&&);
  // Tells whether a compaction begins, on an actor's thread. REQUIRES writes().
  void compact(tell_compaction);
  serving_metrics& metrics() noexcept;
  const clock_source& clock() const noexcept;
  slow_queries slow() const noexcept;
  // The newest state of the store that the search actors were given. Any thread.
  std::shared_ptr<const searcher> newest() const;
  // Of generations that are answered from. They may outlive this.
  const std::shared_ptr<fields_of_generations>& fields() const noexcept;

private:
  struct impl;
  explicit serving(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

}  // namespace argosy

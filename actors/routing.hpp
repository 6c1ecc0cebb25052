// A catalogue's shards behind one front: in this process, in others, each in one replica or several. The router actor and what it needs.
// Threads   any; replies come on the router's.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/serving.hpp"
#include "actors/serving_metrics.hpp"
#include "net/node_credentials.hpp"
#include "schema/search_wire.hpp"

namespace argosy {

struct routing_options {
  std::vector<std::filesystem::path> stores;     // shards of this process, each in one replica
  std::vector<std::vector<std::string>> shards;  // of others: HOST:PORT of the replicas of each (shard_server.hpp)
  node_credentials credentials = {};
  int searches = 1;  // of each store
  compute arithmetic = compute::float32;
  std::size_t waiting = 1024;  // queries; more are refused
  std::chrono::milliseconds deadline{1000};
  std::chrono::milliseconds slow{0};  // as serving_options
};

class routing {
public:
  // Stores are open when it returns, shards of other processes may come later. Errors of the stores; invalid_argument: an address,
  // credentials; unavailable: no thread.
  static result<std::unique_ptr<routing>> start(const routing_options&, const clock_source&);
  // What waits is answered by nothing any more: drain the endpoints before.
  ~routing();

  // Told before the request's deadline, or the server's where that is shorter, with what is there then. Refused at once when too many
  // queries wait.
  void ask(wire_request, std::function<void(wire_reply)> tell);

  struct replica {
    std::string name;  // HOST:PORT or the store
    std::size_t shard;
    bool answers;
    std::uint64_t asked, instead, failed;
  };
  std::vector<replica> replicas() const;
  bool ready() const;  // every shard has a replica that answers
  std::size_t waiting() const noexcept;
  serving_metrics& metrics() noexcept;
  const clock_source& clock() const noexcept;
  slow_queries slow() const noexcept;

private:
  struct impl;
  explicit routing(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

}  // namespace argosy

// The endpoints of a router: what a store's server answers (http_endpoint.hpp, message_endpoint.hpp), of all its shards.
//   GET /v1/search             as http_endpoint's, without facets and generation; "partial" and "shards" tell how many answered
//   GET /healthz               200
//   GET /readyz                200 while every shard has a replica that answers, else 503; both tell of each replica
//   GET /metrics               serving_metrics.hpp, and of replicas argosy_replica_up, argosy_replica_asked_total, argosy_replica_instead_total (of
//                              another one) and argosy_replica_failed_total {shard, replica}; argosy_partial_answers_total
// What belongs to one product (its page, its photograph, its changes) is asked of the server of its store.
// Threads   the servers'; answers leave from the router's.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "actors/http_endpoint.hpp"
#include "actors/message_endpoint.hpp"
#include "actors/routing.hpp"

namespace argosy {

class routed_endpoint : public std::enable_shared_from_this<routed_endpoint> {
public:
  // The routing outlives it. Rights null: whoever asks is answered.
  routed_endpoint(routing& of, std::function<open_peers()> peers, std::unique_ptr<http_rights> keys = nullptr)
      : of_(&of), peers_(std::move(peers)), rights_(std::move(keys)) {}

  void take(const http_request&, http_exchange);
  std::optional<http_reply> kept_out(const http_request&);  // as http_endpoint's
  void take(std::span<const std::byte>, message_endpoint::reply_taker);

private:
  http_reply answer_now(std::string_view path) const;
  std::string metrics() const;
  void search(const http_request&, http_exchange);
  void reply(std::string_view path, http_exchange, http_reply) const;
  void count(const wire_answer&, const logged_query&, steady_time start);
  routing* of_;
  std::function<open_peers()> peers_;
  std::unique_ptr<http_rights> rights_;
  std::atomic<std::uint64_t> partial_{0};
};

}  // namespace argosy

// The HTTP endpoint: requests in, questions to the serving actors, JSON out.
//   GET /v1/search?q=..       k (1 to 1000; 10), filter, channel (semantic, lexical, hybrid), restrict (1 or 0), live (0 or 1):
//                             {"generation", "seconds", and what search/answer_json.hpp says}
//   GET /v1/products/ID       {"generation", "id", "title", "image"}; 404 where it is none
//   PUT, PATCH, DELETE of it, POST /v1/products   product_endpoint.hpp
//   GET /healthz, /readyz     200: the store is open before the server listens
//   GET /metrics              serving_metrics.hpp
// A value that is wrong is 400 and says which: {"error": .., "parameter": ..}; what cannot be split into parameters has no "parameter".
// Too many questions: 429 with Retry-After; too late: 503.
// Threads   the server's; answers leave from a search actor's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "actors/serving.hpp"
#include "net/http_server.hpp"

namespace argosy {

class http_endpoint : public std::enable_shared_from_this<http_endpoint> {
public:
  // `connections` is asked for the metrics. The serving outlives it.
  http_endpoint(serving& of, std::function<std::size_t()> connections) : of_(&of), connections_(std::move(connections)) {}

  void take(const http_request&, http_exchange);

private:
  struct search_call;
  http_reply answer_now(std::string_view path) const;
  http_reply product(std::string_view encoded_id) const;
  http_reply reply_to(const search_call&, const result<answered_question>&) const;
  void search(std::string_view query_string, http_exchange);
  void change(const http_request&, std::string_view encoded_id, http_exchange);
  void reply(std::string_view path, http_exchange, http_reply) const;
  serving* of_;
  std::function<std::size_t()> connections_;
};

}  // namespace argosy

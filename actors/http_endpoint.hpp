// The HTTP endpoint: requests in, questions to the serving actors, JSON out.
//   GET /v1/search?q=..       k (1 to 1000; 10), filter, channel (semantic, lexical, hybrid), restrict (1 or 0), live (0 or 1),
//                             facets (0 or 1): {"generation", "seconds", and what search/answer_json.hpp says}; with facets the search goes
//                             as deep as those count (search/product_fields.hpp)
//   GET /v1/products/ID, /v1/products/ID/image     product_desk.hpp; a `/` in an ID is written %2F
//   PUT, PATCH, DELETE of it, POST /v1/products, POST /v1/compact    product_endpoint.hpp
//   GET /                     the search page, and its files (search_page.hpp)
//   GET /healthz, /readyz     200: the store is open before the server listens
//   GET /metrics              serving_metrics.hpp
// A value that is wrong is 400 and says which: {"error": .., "parameter": ..}; what cannot be split into parameters has no "parameter".
// Too many questions: 429 with Retry-After; too late: 503. Of a server with keys: 401 and 403, http_rights.hpp.
// Threads   the server's; answers leave from a search actor's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "actors/http_rights.hpp"
#include "actors/product_desk.hpp"
#include "actors/serving.hpp"
#include "net/http_server.hpp"

namespace argosy {

// What the servers know of those who ask.
struct open_peers {
  std::size_t connections = 0;
  std::uint64_t dropped = 0;  // replies to messages
};

class http_endpoint : public std::enable_shared_from_this<http_endpoint> {
public:
  // `peers` is asked for the metrics. The serving outlives it; the desk outlives what takes requests. Rights null: whoever asks is answered.
  http_endpoint(serving& of, product_desk& products, std::function<open_peers()> peers, std::unique_ptr<http_rights> keys = nullptr)
      : of_(&of), products_(&products), fields_(of.fields()), peers_(std::move(peers)), rights_(std::move(keys)) {}

  void take(const http_request&, http_exchange);
  // Of a request that may not be answered, which take() refuses so too; its body is not looked at.
  std::optional<http_reply> kept_out(const http_request&);

private:
  struct search_call;
  http_reply answer_now(std::string_view path) const;
  void product(std::string_view encoded_id, http_exchange);
  http_reply reply_to(const search_call&, const result<answered_question>&) const;
  void search(const http_request&, http_exchange);
  void change(const http_request&, std::string_view encoded_id, http_exchange);
  void reply(std::string_view path, http_exchange, http_reply) const;
  serving* of_;
  product_desk* products_;
  std::shared_ptr<fields_of_generations> fields_;
  std::function<open_peers()> peers_;
  std::unique_ptr<http_rights> rights_;
};

}  // namespace argosy

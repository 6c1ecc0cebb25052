// The message endpoint: requests of schema/search_wire.hpp in, questions to the serving actors, replies out. A request is answered once all of
// its queries are. What cannot be read as a request has one answer, and id 0.
// Refusals   invalid: no request, none or more than most_wire_queries of them, a query that is too long or empty, a k or weight beyond its limits, a
//            filter that cannot be read; busy: too many wait.
// Threads    the server's; replies leave from a search actor's.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "actors/serving.hpp"
#include "net/message_server.hpp"
#include "schema/search_wire.hpp"

namespace argosy {

class message_endpoint : public std::enable_shared_from_this<message_endpoint> {
public:
  using reply_taker = std::function<void(wire_bytes)>;  // called once
  // The serving outlives it.
  explicit message_endpoint(serving& of) : of_(&of) {}

  void take(std::span<const std::byte>, reply_taker);

private:
  struct call;
  void told(const std::shared_ptr<call>&, std::size_t place, wire_answer);
  serving* of_;
};

// The queries of a request ask for no more than most_results_together.
status check_together(const wire_request&);
// As its one answer.
wire_answer refusal_of(const status&);

// What a message server calls for whoever takes a message and answers it by a function.
template <class Taker>
message_handler handler_of(std::shared_ptr<Taker> taker) {
  return [taker](std::span<const std::byte> bytes, message_exchange exchange) {
    const auto to = std::make_shared<message_exchange>(std::move(exchange));
    taker->take(bytes, [to](wire_bytes reply) { to->answer(std::move(reply)); });
  };
}

}  // namespace argosy

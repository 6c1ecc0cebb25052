// The message endpoint: requests of schema/search_wire.hpp in, questions to the serving actors, replies out. A request is answered once all of
// its queries are. What cannot be read as a request has one answer, and id 0.
// Refusals   invalid: no request, none or more than most_wire_queries of them, a query that is too long or empty, a k or weight beyond its limits, a
//            filter that cannot be read; busy: too many wait.
// Threads    the server's; replies leave from a search actor's.
#pragma once

#include <memory>
#include <span>

#include "actors/serving.hpp"
#include "net/message_server.hpp"

namespace argosy {

class message_endpoint : public std::enable_shared_from_this<message_endpoint> {
public:
  // The serving outlives it.
  explicit message_endpoint(serving& of) : of_(&of) {}

  void take(std::span<const std::byte>, message_exchange);

private:
  struct call;
  void told(const std::shared_ptr<call>&, std::size_t place, wire_answer);
  serving* of_;
};

}  // namespace argosy

// The log of slow queries, and of searches over HTTP that failed: lines with the id of their request (net/http_server.hpp; of messages what the client
// called it).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/http_server.hpp"

namespace argosy {

// What the log keeps of a query until it is answered.
struct logged_query {
  std::string request, query, filter;
  std::uint64_t k = 0;
};

class slow_queries {
public:
  // 0: none is told.
  explicit slow_queries(std::chrono::milliseconds bound) : bound_(bound) {}
  bool wanted() const noexcept { return bound_.count() > 0; }
  // Told when it took longer than the bound. `source`: what answered it.
  void note(const logged_query&, std::string_view source, double seconds) const;

private:
  std::chrono::milliseconds bound_;
};

// Told when it is the server's fault.
void note_failure(std::string_view request_id, std::string_view path, const http_reply&);

}  // namespace argosy

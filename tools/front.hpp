// The ports of `argosy serve`: HTTP and messages, from when they are bound until both have told what was asked of them.
// Threads   the caller's; peers() any.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "actors/http_endpoint.hpp"
#include "net/http_server.hpp"
#include "net/message_server.hpp"
#include "tools/commands.hpp"

namespace argosy {

struct front_handlers {
  http_handler http;
  http_gate admit;
  message_handler messages;
  http_limits limits = {};
};

class front {
public:
  // For the metrics.
  open_peers peers() const;
  // Binds what the options name, and tells the addresses to the file that they name, a line each; `node`: one more, where there is one.
  status listen(const serve_options&, front_handlers, const std::string& node = {});
  // "http://127.0.0.1:8080 and tcp://127.0.0.1:5555"
  std::string addresses() const;
  // Whether all that was asked was answered.
  bool drain();

private:
  std::unique_ptr<message_server> messages_;
  std::unique_ptr<http_server> http_;
  std::atomic<const http_server*> listening_ = nullptr;
  std::string address_;  // of HTTP
};

}  // namespace argosy

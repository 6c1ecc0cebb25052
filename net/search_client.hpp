// A client of `argosy serve --zmq` (a ZeroMQ DEALER). Requests may be sent ahead of replies, which come in any order and carry the request's id.
// A server that is not there, or goes, is connected to as soon as it is back; what it had not answered is lost: give every wait a patience.
// With CURVE (net/curve_keys.hpp) it talks to the server with that public key alone; one that does not know the client never answers, and
// a client that was refused so has to be connected anew when it is known.
// Threads   one.   Errors   invalid_argument: an endpoint that ZeroMQ does not know, or files that cannot be used; unavailable: no reply in time, or too many requests that
// the server does not take; corrupt: a message that is no reply.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/status.hpp"
#include "net/curve_keys.hpp"
#include "schema/search_wire.hpp"

namespace argosy {

class search_client {
public:
  static result<search_client> connect(const std::string& endpoint, const curve_client_files& = {});
  static result<search_client> connect_with(const curve_client_keys&, const std::string& endpoint);
  search_client(search_client&&) noexcept;
  search_client& operator=(search_client&&) noexcept;
  ~search_client();

  // Its reply; one to another request that comes meanwhile is dropped. Chooses the id. Without a reply in time all that was asked before is
  // forgotten too.
  result<wire_reply> search(wire_request, std::chrono::milliseconds patience);

  status send(const wire_request&);
  // None: nothing came in time, or before a signal did. Of 0: does not wait.
  result<std::optional<wire_reply>> receive(std::chrono::milliseconds patience);

private:
  struct impl;
  explicit search_client(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

}  // namespace argosy

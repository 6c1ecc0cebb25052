// Who may send messages to a server: ZeroMQ asks it (RFC 27, ZAP) for every connection with CURVE, and each message is of a client that it let
// in. Of those that it did not let in nothing is kept.
// A client that was taken out of the file keeps its connection, and its messages are nobody's from then on.
// Threads   that of the socket.
#pragma once

#include <zmq.hpp>

#include "net/access_file.hpp"
#include "net/curve_keys.hpp"

namespace argosy {

class curve_gate {
public:
  // The clock outlives it.
  static result<curve_gate> open(const curve_server_files&, const clock_source&);
  // Makes a socket, which is not bound yet, one of a server with CURVE, and begins to answer for it. Throws what ZeroMQ throws. The gate goes
  // before the context.
  void guard(zmq::socket_t&, zmq::context_t&);

  // Readable when a connection waits to be let in.
  zmq::socket_t& asked() noexcept { return asked_; }
  // Answers those that wait.
  void answer();
  // Null: the message is of nobody who may ask, now.
  const known_client* sender_of(zmq::message_t&);

private:
  curve_gate(curve_pair own, access_file clients) : own_(std::move(own)), clients_(std::move(clients)) {}
  curve_pair own_;
  access_file clients_;
  zmq::socket_t asked_;
};

}  // namespace argosy

// A port on this machine whose bytes travel through TLS, in both directions, and both sides prove who they are (net/node_credentials.hpp). For what
// speaks plain TCP: who cannot prove itself, on another machine, never reaches it; who is on this one does. (CAF has TLS of its own, but each failed handshake there ends all
// other connections of the process: it leaves OpenSSL's queue of errors full.)
//   entrance   plain on 127.0.0.1, to a far exit
//   exit       TLS on an address, to a plain port of this machine
// Limits   a far end that is not there and has not proved itself within `proving`, and of more than `unproved` of them the oldest, is closed.
// Log      an exit tells of those who do not prove themselves, at most every ten seconds.
// Threads  one of its own.
// Errors   invalid_argument: an address, credentials that are missing or fit no other (the file is named); io_error: what the operating system says.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/status.hpp"
#include "net/host_and_port.hpp"
#include "net/node_credentials.hpp"

namespace argosy {

struct tunnel_limits {
  std::chrono::milliseconds proving{5000};
  std::size_t unproved = 256;
};

class tls_tunnel {
public:
  static result<std::unique_ptr<tls_tunnel>> entrance(const host_and_port& far, const node_credentials&, const tunnel_limits& = {});
  static result<std::unique_ptr<tls_tunnel>> exit(const host_and_port& at, std::uint16_t plain_port, const node_credentials&,
                                                  const tunnel_limits& = {});
  // Closes every connection.
  ~tls_tunnel();
  std::uint16_t port() const noexcept;  // of the entrance, or of the exit

private:
  struct impl;
  explicit tls_tunnel(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

}  // namespace argosy

// A store's shard actor on a port, for routers in other processes (CAF's middleman).
//   with credentials     TLS, and of other machines only peers whose certificate the authority has signed (net/tls_tunnel.hpp)
//   without               plain TCP, for this machine alone: who reaches the port is trusted
// At its end what routers have asked of it is dropped: they ask another replica.
// Errors   invalid_argument: an address or a certificate that cannot be used; unavailable: the port.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "actors/serving.hpp"
#include "net/node_credentials.hpp"

namespace argosy {

class shard_server {
public:
  // `address`: HOST:PORT, port 0: any that is free. The serving outlives it.
  static result<std::unique_ptr<shard_server>> start(const std::string& address, const node_credentials&, serving& of);
  // What was asked and is not answered is answered to nobody.
  ~shard_server();
  std::uint16_t port() const noexcept;

private:
  struct impl;
  explicit shard_server(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

}  // namespace argosy

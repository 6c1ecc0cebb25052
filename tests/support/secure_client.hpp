// A bare_client over TLS, which believes one authority, and no other.
#pragma once

#include <openssl/ssl.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/support/bare_client.hpp"

namespace argosy::test {

class secure_client {
public:
  // Throws where there is no server or no handshake. `newest`: the newest version that it speaks.
  secure_client(std::uint16_t port, const std::filesystem::path& authority, int newest = TLS1_3_VERSION)
      : plain_(port), context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free), tls_(nullptr, &SSL_free) {
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), newest);
    SSL_CTX_set_security_level(context_.get(), 0);  // offers what is out of date too
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_load_verify_locations(context_.get(), authority.c_str(), nullptr);
    tls_.reset(SSL_new(context_.get()));
    SSL_set_fd(tls_.get(), plain_.socket());
    if (SSL_connect(tls_.get()) != 1) throw std::runtime_error("no handshake");
  }

  bool send(std::string_view bytes) const {
    return SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
  }
  // Until `end` was read, or the server has closed.
  std::string read_until(std::string_view end) {
    std::string read;
    char some[4096];
    while (read.find(end) == std::string::npos) {
      const int got = SSL_read(tls_.get(), some, sizeof(some));
      if (got <= 0) break;
      read.append(some, static_cast<std::size_t>(got));
    }
    return read;
  }
  std::string read_all() { return read_until(std::string_view("\0\0\0", 3)); }
  // Whether the server said that it ends, rather than just went.
  bool was_told_the_end() const { return (SSL_get_shutdown(tls_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }

private:
  bare_client plain_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<SSL, void (*)(SSL*)> tls_;
};

}  // namespace argosy::test

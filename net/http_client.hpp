// Kept connections to one HTTP server, plain or over TLS, many at once, for measuring it: a request takes a connection that is free, or waits in line for one.
// Nothing happens but in take(), which never waits.
// Of TLS the server's certificate is verified, and that it is of the host that was asked for.
// Threads   one.   Errors   invalid_argument: no HOST:PORT, or no certificates; io_error: a first connection that the server does not take, or
// a server that is not believed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"

namespace argosy {

struct http_answer {
  std::uint64_t number = 0;  // of the request
  unsigned code = 0;         // 0: its connection was lost; another is made
  std::size_t bytes = 0;     // of the body
};

struct http_client_options {
  bool secure = false;                     // TLS
  std::filesystem::path authorities = {};  // PEM: who signs certificates that are believed; empty: those that the system believes
  std::string key = {};                    // sent as `Authorization: Bearer KEY`; empty: none
};

class http_client {
public:
  static result<std::unique_ptr<http_client>> connect(std::string_view address, std::size_t connections, const http_client_options& = {});
  ~http_client();

  // `target` as it is sent: "/v1/search?q=red%20dress".
  void get(std::string target, std::uint64_t number);
  // Goes on with what is ready, and appends what was answered.
  void take(std::vector<http_answer>&);

private:
  struct impl;
  template <class Stream>
  struct impl_over;
  explicit http_client(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

}  // namespace argosy

// An HTTP/1.1 server (Boost.Beast): asynchronous, on one thread of its own. A request is given to a handler, which answers then or later.
//   handler    called on the server's thread, which it must not block
//   exchange   answered once, from any thread; let go of unanswered it answers 500
// Every request has an id, for logs: its X-Request-Id, where that is 1 to 64 letters, digits, `.`, `_` and `-`, or else 16 hexadecimal digits.
// Connections are kept between requests, of which each connection has one at a time; more may be sent ahead (pipelining).
// Limits     a header or body that is too long (of GET and HEAD: above 4 kB) is refused (431, 413) as soon as that is known, and what follows is thrown away; a request that
//            takes longer than `reading` from its first byte, or a connection that asks nothing for `idle`, is closed. At `connections` the
//            one that has been waited for longest is closed for a new one: who only holds connections keeps nobody out.
// TLS        where files are given, and nothing else then. A handshake has `reading` to be done.
// Errors     invalid_argument: no HOST:PORT, or files of TLS that cannot be used; io_error: what the operating system says to it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.hpp"
#include "net/tls_files.hpp"

namespace argosy {

struct http_limits {
  std::size_t header_bytes = 16 * 1024, body_bytes = 1024 * 1024, connections = 10'000;
  std::chrono::milliseconds reading{10'000}, idle{60'000};
};

struct http_request {
  std::string method;  // "GET"
  std::string target;  // as it came: "/v1/search?q=red%20dress"
  std::string body;
  std::string host = {}, origin = {};  // of the header; origin: the page whose script asks, where it is one
  std::string authorization = {};      // of the header
  std::string id = {};                 // X-Request-Id of the header, or one of this server's; the reply has it too
};

struct http_reply {
  unsigned code = 200;
  std::string body;
  std::string_view content_type = "application/json";              // of static lifetime
  std::vector<std::pair<std::string_view, std::string>> fields{};  // further ones; names of static lifetime
};

class http_exchange {
public:
  class connection;
  explicit http_exchange(std::shared_ptr<connection>) noexcept;
  http_exchange(http_exchange&&) noexcept = default;
  http_exchange& operator=(http_exchange&&) = delete;
  ~http_exchange();
  void answer(http_reply);

private:
  std::shared_ptr<connection> to_;  // null once answered
};

using http_handler = std::function<void(http_request, http_exchange)>;

// Asked of a request whose body has not come yet: its reply, where it gives one, refuses it, and the body is not kept. So who may not ask
// takes no memory. Called on the server's thread.
using http_gate = std::function<std::optional<http_reply>(const http_request&)>;

struct http_security {
  std::optional<tls_files> tls = {};
  http_gate admit = {};  // none: every body is read
};

class http_server {
public:
  // `address`: HOST:PORT, a host's name or number ([::1]:80); port 0: any that is free.
  static result<std::unique_ptr<http_server>> start(std::string_view address, http_handler, const http_limits& = {},
                                                    const http_security& = {});
  // Closes every connection and waits for its thread. Exchanges that are answered later are answered to nobody.
  ~http_server();

  std::uint16_t port() const noexcept;
  std::size_t connections() const noexcept;
  // Takes no connections any more, closes those that ask nothing, answers what was asked, at most for so long. Whether all were answered.
  bool drain(std::chrono::milliseconds patience);

private:
  struct impl;
  explicit http_server(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

}  // namespace argosy

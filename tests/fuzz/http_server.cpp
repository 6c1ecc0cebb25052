// Bytes that a client sends to the HTTP server: whatever they are, what comes back are whole replies, and the connection ends.
#include "net/http_server.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "schema/partial.hpp"
#include "tests/fuzz/target.hpp"

namespace argosy::fuzz {
namespace {

http_server& server() {
  const auto answer = [](http_request request, http_exchange exchange) {
    exchange.answer({200, request.method + "\n" + request.target + "\n" + std::to_string(request.body.size()) + "\n"});
  };
  static const auto made =
      required(http_server::start("127.0.0.1:0", answer, {.header_bytes = 1024, .body_bytes = 2048, .connections = 8}));
  return *made;
}

// libFuzzer's alarm interrupts a connect, which goes on all the same.
void wait_until_connected(int socket, int code) {
  pollfd writable{socket, POLLOUT, 0};
  while (code == EINTR && ::poll(&writable, 1, -1) != 1) code = errno;
  int failure = code;
  socklen_t size = sizeof(failure);
  if (code == EINTR) ARGOSY_CHECK(::getsockopt(socket, SOL_SOCKET, SO_ERROR, &failure, &size) == 0);
  if (failure != 0) std::fprintf(stderr, "connect: %s\n", std::strerror(failure));
  ARGOSY_CHECK(failure == 0);
}

// From another of the loopback's addresses each time: the ports of one would run out.
descriptor connect_from(std::uint32_t number) {
  descriptor made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(0x7F010001 + number % 0x10000);
  ARGOSY_CHECK(::bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(server().port());
  if (::connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) wait_until_connected(made.get(), errno);
  return made;
}

std::string all_of(int socket) {
  std::string text;
  char piece[4096];
  for (ssize_t got = 0; (got = ::recv(socket, piece, sizeof(piece), 0)) > 0 || (got < 0 && errno == EINTR);)
    text.append(piece, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

void take(std::span<const std::byte> input) {
  static std::uint32_t number = 0;
  const descriptor socket = connect_from(number++);
  static_cast<void>(::send(socket.get(), input.data(), input.size(), MSG_NOSIGNAL));
  ::shutdown(socket.get(), SHUT_WR);
  const std::string replies = all_of(socket.get());
  ARGOSY_CHECK(replies.empty() || (replies.starts_with("HTTP/1.1 ") && replies.find("\r\n\r\n") != std::string::npos));
}

std::vector<bytes> seeds() {
  return bytes_of_each(
      {"GET /v1/search?q=red+dress HTTP/1.1\r\nHost: localhost\r\n\r\n",
       "POST /v1/products HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
       "PUT /v1/products/7 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n",
       "HEAD / HTTP/1.0\r\nConnection: keep-alive\r\nOrigin: http://a\r\n\r\nGET /metrics HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
       "PATCH /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"});
}

const registered one({"http_server", take, seeds});

}  // namespace
}  // namespace argosy::fuzz

// A bare connection to a server on this machine, that sends and reads what a test says.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <string_view>

namespace argosy::test {

class bare_client {
public:
  explicit bare_client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) throw std::runtime_error("no server there");
    const timeval patience{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  ~bare_client() { ::close(socket_); }
  bare_client(const bare_client&) = delete;
  bare_client& operator=(const bare_client&) = delete;

  int socket() const noexcept { return socket_; }
  bool send(std::string_view bytes) const {
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  // Until so many of `end` were read, or the server has closed.
  std::string read_until(std::string_view end, std::size_t times = 1) {
    std::string read;
    char some[4096];
    while (count(read, end) < times) {
      const ssize_t got = ::recv(socket_, some, sizeof(some), 0);
      if (got <= 0) break;
      read.append(some, static_cast<std::size_t>(got));
    }
    return read;
  }
  // Whether the server has closed, once all that it sent was read.
  bool is_closed() const {
    char one;
    return ::recv(socket_, &one, 1, 0) == 0 || errno == ECONNRESET;
  }
  // What comes until the server closes.
  std::string read_all() { return read_until("\n", static_cast<std::size_t>(-1)); }

private:
  static std::size_t count(std::string_view text, std::string_view what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size())) ++found;
    return found;
  }
  int socket_;
};

}  // namespace argosy::test

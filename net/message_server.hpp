// A server of messages (a ZeroMQ ROUTER): asynchronous, on one thread of its own. A client is a DEALER, which may send many requests ahead, or
// a REQ. A message is given to a handler, which answers then or later, in any order.
//   handler    called on the server's thread, which it must not block
//   exchange   answered once, from any thread; let go of unanswered it answers nothing
// Limits     a peer that sends a longer message is disconnected; an answer to a peer that is gone, or that has not read `unread` answers, is
//            dropped and counted: memory stays bounded. Who does not greet as ZMTP 3 does, or not at all for ten seconds, is disconnected.
//            A message of frames without end is read by ZeroMQ whole, which bounds each frame alone: not for peers that are not trusted.
// CURVE      where files are given (net/curve_keys.hpp): then only those in the file of clients are let in and answered, and what they and the
//            server say to each other is encrypted. All of them may read; a handler of what writes is to be given net/access_file.hpp's client.
// Errors     invalid_argument: an endpoint that ZeroMQ does not know, or files that cannot be used; io_error: what the operating system says to it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "net/curve_keys.hpp"

namespace argosy {

struct message_limits {
  std::size_t message_bytes = 1024 * 1024;
  int unread = 16'384;  // ours: a client that has asked as many queries ahead gets them all
};

class message_exchange {
public:
  struct company;
  message_exchange(std::shared_ptr<company>, std::string peer, bool delimited);
  message_exchange(message_exchange&&) noexcept = default;
  message_exchange& operator=(message_exchange&&) = delete;
  ~message_exchange();
  void answer(std::vector<std::byte>);

private:
  std::shared_ptr<company> to_;  // null once answered
  std::string peer_;
  bool delimited_;  // by an empty frame, as a REQ does
};

using message_handler = std::function<void(std::span<const std::byte>, message_exchange)>;

class message_server {
public:
  // `endpoint` as ZeroMQ writes it: tcp://127.0.0.1:5555, tcp://127.0.0.1:* for any port that is free, ipc:///run/argosy.
  static result<std::unique_ptr<message_server>> start(const std::string& endpoint, message_handler, const message_limits& = {},
                                                       const curve_server_files& = {});
  // Waits for its thread. Exchanges that are answered later are answered to nobody.
  ~message_server();

  const std::string& endpoint() const noexcept;  // with its port
  std::uint64_t dropped() const noexcept;        // answers
  // Takes no messages any more, answers what was asked, at most for so long. Whether all were answered.
  bool drain(std::chrono::milliseconds patience);

private:
  struct impl;
  explicit message_server(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

}  // namespace argosy

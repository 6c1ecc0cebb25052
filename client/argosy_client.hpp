// A client of `argosy serve --zmq`, for C++17: asks a server as argosy::store (argosy.hpp) asks a store, and has the same options and answers.
//
//     argosy::client client("tcp://127.0.0.1:5555");
//     for (const argosy::found& one : client.search("red dress").results) std::cout << one.id << ' ' << one.title << '\n';
//
// Failure   argosy::error is thrown. ARGOSY_UNAVAILABLE: no answer before the deadline; ARGOSY_BUSY: too many queries wait there, ask again later;
//           ARGOSY_INVALID_ARGUMENT: refused again if asked again; ARGOSY_FAILED: the server failed at it.
// Server    One that is not there yet, or goes, is connected to as soon as it is back: what had not been answered is asked again by whoever
//           wants it. With CURVE a server that does not know the client never answers.
// Threads   a client is used by one thread at a time; different clients are independent. ZeroMQ has two threads of its own for each.
// Texts     UTF-8.
// Library   of the same C++ standard library as the program: its types cross the border.
#pragma once

#include <argosy.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace argosy {

struct client_options {
  std::chrono::milliseconds deadline{5000};  // 1 to 3,600,000: of a call that has none of its own. A server may have an earlier one
  // CURVE: the server's public key and the client's own secret one, which `argosy key curve` writes. Both as files, or both as texts.
  std::string server_key_file = {}, secret_key_file = {};
  std::string server_key = {}, secret_key = {};
};

struct client_connection;

class client {
public:
  // `endpoint` as ZeroMQ writes it: tcp://HOST:PORT, ipc://PATH. Waits for nobody.
  explicit client(const std::string& endpoint, const client_options& = {});
  client(client&&) noexcept;
  client& operator=(client&&) noexcept;
  ~client();

  // deadline: 0: the client's.
  answer search(const std::string& query, const query_options& = {}, std::chrono::milliseconds deadline = {});
  // In messages of as many as the server takes together; the deadline is of all. A query that cannot be answered has an answer with a refusal.
  std::vector<answer> search_many(const std::vector<std::string>& queries, const query_options& = {},
                                  std::chrono::milliseconds deadline = {});

private:
  std::unique_ptr<client_connection> connection_;
};

}  // namespace argosy

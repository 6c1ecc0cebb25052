// `argosy serve`, the real one, from when it answers until it is ended or goes out of scope.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/folders.hpp"
#include "tests/support/process.hpp"

namespace argosy::test {

struct http_answered {
  int code = 0;  // 0: none came
  std::string body, head;
  nlohmann::json object() const { return nlohmann::json::parse(body); }
};

class running_server {
public:
  // Of a ZeroMQ endpoint too. Fails the test where it does not begin.
  explicit running_server(const std::filesystem::path& store, std::vector<std::string> more = {});

  // It serves TLS, with a certificate that this one signed.
  void trust(const std::filesystem::path& authority) { authority_ = authority; }
  // From any thread. Uses no macro of Boost.Test; a server that is gone gives no answer.
  // `fields`: further lines of the header.
  http_answered ask(const std::string& target, const std::string& method = "GET", const std::string& body = {},
                    const std::string& fields = {}) const;
  std::vector<std::string> ids(const std::string& target) const;
  // Until the answer is as wanted.
  template <class Wanted>
  bool soon(const std::string& target, Wanted&& wanted) const {
    for (int waits = 0; waits < 2000; ++waits) {
      if (wanted(ask(target))) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  const std::string& messages() const noexcept { return messages_; }  // tcp://127.0.0.1:PORT
  std::uint16_t port() const noexcept { return port_; }
  const std::string& node() const noexcept { return node_; }  // 127.0.0.1:PORT of --node
  void signal(int number) { process_.signal(number); }
  // What it has told on standard error.
  std::string log() const;
  // The files that it has mapped.
  std::string maps() const;
  int end();
  void kill();

private:
  std::vector<std::string> words(const std::filesystem::path& store, std::vector<std::string> more) const;
  scratch_folder folder_;
  std::filesystem::path addresses_ = folder_ / "addresses";
  background_argosy process_;
  std::uint16_t port_ = 0;
  std::string messages_, node_;
  std::filesystem::path authority_;  // empty: no TLS
};

}  // namespace argosy::test

#include "tools/front.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "net/host_and_port.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

constexpr std::chrono::seconds patience_of_drain{10};

status check_loopback(const std::string& option, std::string_view address) {
  const auto at = parse_address(address);
  if (!at.ok()) return at.failure().within(option);
  if (is_loopback(*at)) return {};
  return {errc::invalid_argument,
          option + ": want 127.0.0.1, localhost or [::1], got `" + at->host +
              "`: keys and TLS are not there yet, and without them the server answers this machine alone; a proxy on it can do both"};
}

status check_endpoint(const std::string& endpoint) {
  constexpr std::string_view tcp = "tcp://", ipc = "ipc://";
  if (endpoint.empty() || endpoint.starts_with(ipc)) return {};
  if (endpoint.starts_with("tcp://localhost:"))
    return {errc::invalid_argument, "--zmq: want tcp://127.0.0.1 or tcp://[::1], got `" + endpoint + "`: ZeroMQ binds to no name"};
  if (endpoint.starts_with(tcp)) return check_loopback("--zmq", std::string_view(endpoint).substr(tcp.size()));
  return {errc::invalid_argument, "--zmq: want tcp://HOST:PORT or ipc://PATH, got `" + endpoint + "`"};
}

// Ten thousand connections are ten thousand descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

}  // namespace

status front::check(const serve_options& options) {
  ARGOSY_TRY(check_loopback("--http", options.http));
  return check_endpoint(options.zmq);
}

open_peers front::peers() const {
  const http_server* server = listening_;
  return {server == nullptr ? std::size_t{0} : server->connections(), messages_ ? messages_->dropped() : 0};
}

status front::listen(const serve_options& options, front_handlers handlers, const std::string& node) {
  raise_descriptor_limit();
  if (!options.zmq.empty()) {
    auto started = message_server::start(options.zmq, std::move(handlers.messages));
    if (!started.ok()) return started.failure().within("--zmq");
    messages_ = std::move(*started);
  }
  ARGOSY_ASSIGN(http_, http_server::start(options.http, std::move(handlers.http), handlers.limits));
  listening_ = http_.get();
  address_ = "http://" + options.http.substr(0, options.http.rfind(':')) + ":" + std::to_string(http_->port());
  if (options.address_file.empty()) return {};
  const auto line = [](const std::string& address) { return address.empty() ? address : address + "\n"; };
  return replace_file(options.address_file, line(address_) + line(messages_ ? messages_->endpoint() : std::string()) + line(node));
}

std::string front::addresses() const { return address_ + (messages_ ? " and " + messages_->endpoint() : ""); }

bool front::drain() {
  const auto end = std::chrono::steady_clock::now() + patience_of_drain;
  const bool told = !messages_ || messages_->drain(patience_of_drain);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  const bool drained = http_->drain(std::max(left, std::chrono::milliseconds(100)));
  listening_ = nullptr;
  return drained && told;
}

}  // namespace argosy

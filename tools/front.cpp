#include "tools/front.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "schema/folder.hpp"

namespace argosy {
namespace {

constexpr std::chrono::seconds patience_of_drain{10};

// Ten thousand connections are ten thousand descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

}  // namespace

open_peers front::peers() const {
  const http_server* server = listening_;
  return {server == nullptr ? std::size_t{0} : server->connections(), messages_ ? messages_->dropped() : 0};
}

status front::listen(const serve_options& options, front_handlers handlers, const std::string& node) {
  raise_descriptor_limit();
  if (!options.zmq.empty()) {
    auto started = message_server::start(options.zmq, std::move(handlers.messages), {}, options.curve);
    if (!started.ok()) return started.failure().within("--zmq");
    messages_ = std::move(*started);
  }
  http_security security{.tls = {}, .admit = std::move(handlers.admit)};
  if (!options.tls.certificate.empty()) security.tls = options.tls;
  ARGOSY_ASSIGN(http_, http_server::start(options.http, std::move(handlers.http), handlers.limits, security));
  listening_ = http_.get();
  address_ =
      (security.tls ? "https://" : "http://") + options.http.substr(0, options.http.rfind(':')) + ":" + std::to_string(http_->port());
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

#include "tools/reach.hpp"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "net/host_and_port.hpp"

namespace argosy {
namespace {

using wanted_option = std::pair<std::string_view, bool>;  // and whether it is there

// As the user wrote it, with its brackets.
std::string host_in(std::string_view address) { return std::string(address.substr(0, address.rfind(':'))); }

// The options that are not there, in one line; empty: none.
std::string missing(std::initializer_list<wanted_option> options) {
  std::string names;
  for (const auto& [name, there] : options)
    if (!there) names += (names.empty() ? "" : " and ") + std::string(name);
  return names;
}

status check_http(const serve_options& options) {
  const auto at = parse_address(options.http);
  if (!at.ok()) return at.failure().within("--http");
  if (is_loopback(*at)) return {};
  const std::string lacks = missing({{"--keys", !options.keys.empty()},
                                     {"--tls-certificate", !options.tls.certificate.empty()},
                                     {"--tls-key", !options.tls.key.empty()}});
  if (lacks.empty()) return {};
  return {errc::invalid_argument, "--http: want 127.0.0.1, localhost or [::1], or keys and TLS, got `" + host_in(options.http) +
                                      "` without " + lacks +
                                      ". These make the files:\n"
                                      "  argosy key new --name NAME --rights read --keys keys\n"
                                      "  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=HOST "
                                      "-addext subjectAltName=DNS:HOST -keyout tls.key -out tls.crt\n"
                                      "  argosy serve ... --keys keys --tls-certificate tls.crt --tls-key tls.key"};
}

status check_messages(const serve_options& options) {
  constexpr std::string_view tcp = "tcp://", ipc = "ipc://";
  const std::string_view endpoint = options.zmq;
  if (endpoint.empty() || endpoint.starts_with(ipc)) return {};
  if (!endpoint.starts_with(tcp)) return {errc::invalid_argument, "--zmq: want tcp://HOST:PORT or ipc://PATH, got `" + options.zmq + "`"};
  const auto at = parse_address(endpoint.substr(tcp.size()));
  if (!at.ok()) return at.failure().within("--zmq");
  if (at->host == "localhost")
    return {errc::invalid_argument, "--zmq: want tcp://127.0.0.1 or tcp://[::1], got `" + options.zmq + "`: ZeroMQ binds to no name"};
  if (is_loopback(*at)) return {};
  const std::string lacks =
      missing({{"--curve-secret", !options.curve.secret.empty()}, {"--curve-clients", !options.curve.clients.empty()}});
  if (lacks.empty()) return {};
  return {errc::invalid_argument, "--zmq: want 127.0.0.1 or [::1], or CURVE, got `" + host_in(endpoint.substr(tcp.size())) + "` without " +
                                      lacks +
                                      ". These make the files:\n"
                                      "  argosy key curve server.curve\n"
                                      "  argosy key curve client.curve\n"
                                      "  echo \"NAME read $(cat client.curve.pub)\" >> clients\n"
                                      "  argosy serve ... --curve-secret server.curve --curve-clients clients"};
}

// Nodes trust each other: who can reach them beyond this machine has to show a certificate.
status check_node(const std::string& option, const std::string& address) {
  const auto at = parse_address(address);
  if (!at.ok()) return at.failure().within(option);
  if (is_loopback(*at)) return {};
  return {errc::invalid_argument,
          option + ": `" + host_in(address) +
              "` is not this machine: want --node-certificate, --node-key and --node-authority too, for TLS on both "
              "sides (docs/serving.md, Shards, says how they are made)"};
}

}  // namespace

std::vector<std::string> replicas_in(const std::string& shard) {
  std::vector<std::string> all;
  std::size_t first = 0;
  for (std::size_t comma = 0; comma != std::string::npos; first = comma + 1) {
    comma = shard.find(',', first);
    all.push_back(shard.substr(first, comma - first));
  }
  return all;
}

status check_reach(const serve_options& options) {
  ARGOSY_TRY(check_http(options));
  ARGOSY_TRY(check_messages(options));
  if (!options.credentials.none()) return {};
  if (!options.node.empty()) ARGOSY_TRY(check_node("--node", options.node));
  for (const std::string& shard : options.shards)
    for (const std::string& one : replicas_in(shard)) ARGOSY_TRY(check_node("--shard", one));
  return {};
}

}  // namespace argosy

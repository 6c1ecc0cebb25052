#include "tools/reach.hpp"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace argosy {
namespace {

using wanted_option = std::pair<std::string_view, bool>;  // and whether it is there

bool is_of_this_machine(std::string_view host) { return host == "127.0.0.1" || host == "localhost" || host == "[::1]"; }

std::string_view host_of(std::string_view address) { return address.substr(0, address.rfind(':')); }

// The options that are not there, in one line; empty: none.
std::string missing(std::initializer_list<wanted_option> options) {
  std::string names;
  for (const auto& [name, there] : options)
    if (!there) names += (names.empty() ? "" : " and ") + std::string(name);
  return names;
}

status check_http(const serve_options& options) {
  const std::string_view host = host_of(options.http);
  if (is_of_this_machine(host)) return {};
  const std::string lacks = missing({{"--keys", !options.keys.empty()},
                                     {"--tls-certificate", !options.tls.certificate.empty()},
                                     {"--tls-key", !options.tls.key.empty()}});
  if (lacks.empty()) return {};
  return {errc::invalid_argument, "--http: want 127.0.0.1, localhost or [::1], or keys and TLS, got `" + std::string(host) + "` without " +
                                      lacks +
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
  const std::string_view host = host_of(endpoint.substr(tcp.size()));
  if (host == "localhost")
    return {errc::invalid_argument, "--zmq: want tcp://127.0.0.1 or tcp://[::1], got `" + options.zmq + "`: ZeroMQ binds to no name"};
  if (is_of_this_machine(host)) return {};
  const std::string lacks =
      missing({{"--curve-secret", !options.curve.secret.empty()}, {"--curve-clients", !options.curve.clients.empty()}});
  if (lacks.empty()) return {};
  return {errc::invalid_argument, "--zmq: want 127.0.0.1 or [::1], or CURVE, got `" + std::string(host) + "` without " + lacks +
                                      ". These make the files:\n"
                                      "  argosy key curve server.curve\n"
                                      "  argosy key curve client.curve\n"
                                      "  echo \"NAME read $(cat client.curve.pub)\" >> clients\n"
                                      "  argosy serve ... --curve-secret server.curve --curve-clients clients"};
}

}  // namespace

status check_reach(const serve_options& options) {
  ARGOSY_TRY(check_http(options));
  return check_messages(options);
}

}  // namespace argosy

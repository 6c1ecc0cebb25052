#include "net/host_and_port.hpp"

#include <charconv>

namespace argosy {

result<host_and_port> parse_address(std::string_view address) {
  const auto colon = address.rfind(':');
  const auto fail = [&] { return status(errc::invalid_argument, "want HOST:PORT, got `" + std::string(address) + "`"); };
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == address.size()) return fail();
  std::string_view host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return fail();
  return host_and_port{std::string(host), std::string(address.substr(colon + 1))};
}

result<std::uint16_t> port_number(const host_and_port& of) {
  std::uint16_t number = 0;
  const char* end = of.port.data() + of.port.size();
  const auto [last, code] = std::from_chars(of.port.data(), end, number);
  if (code == std::errc{} && last == end) return number;
  return status(errc::invalid_argument, "want a port from 0 to 65535, got `" + of.port + "`");
}

bool is_loopback(const host_and_port& of) noexcept { return of.host == "127.0.0.1" || of.host == "localhost" || of.host == "::1"; }

}  // namespace argosy

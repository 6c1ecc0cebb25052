#include "net/host_and_port.hpp"

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

}  // namespace argosy

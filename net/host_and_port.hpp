// HOST:PORT as users write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.hpp"

namespace argosy {

struct host_and_port {
  std::string host, port;
};

// `[::1]:80` too, whose host is without brackets. invalid_argument.
result<host_and_port> parse_address(std::string_view address);
// Its port as a number: for who looks up no names of services. invalid_argument.
result<std::uint16_t> port_number(const host_and_port&);
// Whether nobody but this machine can reach it: 127.0.0.1, localhost, ::1.
bool is_loopback(const host_and_port&) noexcept;

}  // namespace argosy

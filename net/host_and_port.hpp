// HOST:PORT as users write it.
#pragma once

#include <string>
#include <string_view>

#include "base/status.hpp"

namespace argosy {

struct host_and_port {
  std::string host, port;
};

// `[::1]:80` too, whose host is without brackets. invalid_argument.
result<host_and_port> parse_address(std::string_view address);

}  // namespace argosy

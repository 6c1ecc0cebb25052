// Where a server of this room listens.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>

#include "net/host_and_port.hpp"

namespace argosy {

// Binds the acceptor to the host's first address, and gives its port; port 0: any that is free.
// Errors   invalid_argument: a host that nobody knows; io_error: what the operating system says.
result<std::uint16_t> listen_at(boost::asio::ip::tcp::acceptor&, const host_and_port&);

}  // namespace argosy

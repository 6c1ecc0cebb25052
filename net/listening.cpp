#include "net/listening.hpp"

#include <string>

namespace argosy {

result<std::uint16_t> listen_at(boost::asio::ip::tcp::acceptor& acceptor, const host_and_port& at) {
  using boost::asio::ip::tcp;
  boost::system::error_code why;
  tcp::resolver resolver(acceptor.get_executor());
  const auto found = resolver.resolve(at.host, at.port, why);
  const std::string name = at.host + ":" + at.port;
  if (why || found.empty()) return status(errc::invalid_argument, name + ": " + why.message());
  const tcp::endpoint endpoint = found.begin()->endpoint();
  acceptor.open(endpoint.protocol(), why);
  if (!why) acceptor.set_option(tcp::acceptor::reuse_address(true), why);
  if (!why) acceptor.bind(endpoint, why);
  if (!why) acceptor.listen(boost::asio::socket_base::max_listen_connections, why);
  if (why) return status(errc::io_error, name + ": " + why.message());
  return acceptor.local_endpoint(why).port();
}

}  // namespace argosy

#include "net/search_client.hpp"

#include <cerrno>
#include <utility>
#include <vector>
#include <zmq.hpp>

namespace argosy {
namespace {

constexpr int most_waiting = 16'384;  // requests and replies, each; as many as the server keeps for a peer (net/message_server.hpp)

}  // namespace

struct search_client::impl {
  impl(curve_client_keys shown, std::string at) : keys(std::move(shown)), endpoint(std::move(at)) { connect(); }

  curve_client_keys keys;
  std::string endpoint;
  zmq::context_t context{1};
  zmq::socket_t socket;
  std::vector<std::byte> received;  // aligned, unlike ZeroMQ's own
  std::uint64_t last_id = 0;

  // Anew: what waited for the server before is forgotten.
  void connect() {
    socket = zmq::socket_t(context, zmq::socket_type::dealer);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::sndhwm, most_waiting);
    socket.set(zmq::sockopt::rcvhwm, most_waiting);
    if (!keys.server.empty()) {
      socket.set(zmq::sockopt::curve_serverkey, keys.server);
      socket.set(zmq::sockopt::curve_publickey, keys.own.public_key);
      socket.set(zmq::sockopt::curve_secretkey, keys.own.secret_key);
    }
    if (endpoint.find('[') != std::string::npos) socket.set(zmq::sockopt::ipv6, true);
    socket.connect(endpoint);
  }
};

search_client::search_client(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
search_client::search_client(search_client&&) noexcept = default;
search_client& search_client::operator=(search_client&&) noexcept = default;
search_client::~search_client() = default;

result<search_client> search_client::connect(const std::string& endpoint, const curve_client_files& curve) {
  ARGOSY_ASSIGN(const curve_client_keys keys, read_curve_client(curve));
  return connect_with(keys, endpoint);
}

result<search_client> search_client::connect_with(const curve_client_keys& keys, const std::string& endpoint) {
  try {
    return search_client(std::make_unique<impl>(keys, endpoint));
  } catch (const zmq::error_t& why) {
    return status(errc::invalid_argument, endpoint + ": " + why.what() + "; want tcp://HOST:PORT or ipc://PATH");
  }
}

status search_client::send(const wire_request& request) {
  const wire_bytes bytes = encode(request);
  try {
    if (impl_->socket.send(zmq::buffer(bytes), zmq::send_flags::dontwait)) return {};
    return {errc::unavailable, std::to_string(most_waiting) + " requests wait for the server already"};
  } catch (const zmq::error_t& why) {
    return {errc::io_error, why.what()};
  }
}

result<std::optional<wire_reply>> search_client::receive(std::chrono::milliseconds patience) {
  zmq::message_t message;
  try {
    if (!impl_->socket.recv(message, zmq::recv_flags::dontwait)) {
      if (patience.count() == 0) return std::optional<wire_reply>();
      zmq::pollitem_t item{impl_->socket.handle(), 0, ZMQ_POLLIN, 0};
      zmq::poll(&item, 1, patience);
      if (!impl_->socket.recv(message, zmq::recv_flags::dontwait)) return std::optional<wire_reply>();
    }
  } catch (const zmq::error_t& why) {
    if (why.num() == EINTR) return std::optional<wire_reply>();
    return status(errc::io_error, why.what());
  }
  impl_->received.assign(message.data<std::byte>(), message.data<std::byte>() + message.size());
  ARGOSY_ASSIGN(wire_reply reply, decode_reply(impl_->received));
  return std::optional(std::move(reply));
}

result<wire_reply> search_client::search(wire_request request, std::chrono::milliseconds patience) {
  request.id = ++impl_->last_id;
  ARGOSY_TRY(send(request));
  const auto end = std::chrono::steady_clock::now() + patience;
  for (auto left = patience; left.count() > 0;
       left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now())) {
    ARGOSY_ASSIGN(std::optional<wire_reply> reply, receive(left));
    if (reply && (reply->id == request.id || reply->id == 0)) return std::move(*reply);
  }
  try {
    impl_->connect();  // or a server that is back would be asked all that nobody waits for any more
  } catch (const zmq::error_t& why) {
    return status(errc::io_error, impl_->endpoint + ": " + why.what());
  }
  return status(errc::unavailable, "no reply within " + std::to_string(patience.count()) + " ms");
}

}  // namespace argosy

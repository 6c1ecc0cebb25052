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
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::dealer};
  std::vector<std::byte> received;  // aligned, unlike ZeroMQ's own
  std::uint64_t last_id = 0;
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
    auto made = std::make_unique<impl>();
    made->socket.set(zmq::sockopt::linger, 0);
    made->socket.set(zmq::sockopt::sndhwm, most_waiting);
    made->socket.set(zmq::sockopt::rcvhwm, most_waiting);
    if (!keys.server.empty()) {
      made->socket.set(zmq::sockopt::curve_serverkey, keys.server);
      made->socket.set(zmq::sockopt::curve_publickey, keys.own.public_key);
      made->socket.set(zmq::sockopt::curve_secretkey, keys.own.secret_key);
    }
    if (endpoint.find('[') != std::string::npos) made->socket.set(zmq::sockopt::ipv6, true);
    made->socket.connect(endpoint);
    return search_client(std::move(made));
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
  return status(errc::unavailable, "no reply within " + std::to_string(patience.count()) + " ms");
}

}  // namespace argosy

#include "net/curve_gate.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace argosy {
namespace {

constexpr const char* place_of_zap = "inproc://zeromq.zap.01";
constexpr std::size_t least_frames = 6;  // version, request id, domain, address, identity, mechanism; of CURVE the client's key follows

std::string text_of_key(const zmq::message_t& bytes) {
  std::array<char, 41> text{};
  if (bytes.size() != 32 || zmq_z85_encode(text.data(), bytes.data<std::uint8_t>(), bytes.size()) == nullptr) return {};
  return text.data();
}

}  // namespace

result<curve_gate> curve_gate::open(const curve_server_files& files, const clock_source& clock) {
  ARGOSY_ASSIGN(curve_pair own, read_curve_secret(files.secret));
  ARGOSY_ASSIGN(access_file clients, access_file::open(files.clients, proof_kind::public_key, clock));
  return curve_gate(std::move(own), std::move(clients));
}

void curve_gate::guard(zmq::socket_t& socket, zmq::context_t& context) {
  // First: where nobody answers, ZeroMQ lets everybody in.
  asked_ = zmq::socket_t(context, zmq::socket_type::rep);
  asked_.set(zmq::sockopt::linger, 0);
  asked_.bind(place_of_zap);
  socket.set(zmq::sockopt::curve_server, true);
  socket.set(zmq::sockopt::curve_secretkey, own_.secret_key);
}

void curve_gate::answer() {
  std::vector<zmq::message_t> frames;
  for (;;) {
    frames.clear();
    do {
      frames.emplace_back();
      if (!asked_.recv(frames.back(), zmq::recv_flags::dontwait)) return;
    } while (frames.back().more());
    const bool whole = frames.size() > least_frames && frames[0].to_string_view() == "1.0" && frames[5].to_string_view() == "CURVE";
    const std::string key = whole ? text_of_key(frames[6]) : std::string();
    const known_client* who = key.empty() ? nullptr : clients_.find(key);
    const std::string id = frames.size() > 1 ? frames[1].to_string() : std::string();
    const std::array<std::string_view, 6> reply{
        "1.0", id, who ? "200" : "400", who ? "" : "no such client", who ? std::string_view(key) : "", ""};
    for (std::size_t i = 0; i < reply.size(); ++i)
      asked_.send(zmq::buffer(reply[i]), i + 1 < reply.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
}

const known_client* curve_gate::sender_of(zmq::message_t& message) {
  const char* const key = zmq_msg_gets(message.handle(), "User-Id");  // what it was let in with
  return key == nullptr ? nullptr : clients_.find(key);
}

}  // namespace argosy

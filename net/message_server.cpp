#include "net/message_server.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <zmq.hpp>

#include "base/log.hpp"
#include "net/curve_gate.hpp"
#include "net/server_thread.hpp"

namespace argosy {
namespace {

constexpr int received_at_once = 256;  // ours: between looks at what is to be sent
constexpr int linger_ms = 1000;        // of answers that ZeroMQ has, when it ends
constexpr int greeting_ms = 10'000;    // that a new peer has

// A counter that a poll can wait for.
class bell {
public:
  bell() : descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  bell(const bell&) = delete;
  bell& operator=(const bell&) = delete;
  ~bell() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int descriptor() const noexcept { return descriptor_; }
  void ring() const noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(descriptor_, &one, sizeof one));  // full: it rings already
  }
  void silence() const noexcept {
    std::uint64_t rings = 0;
    static_cast<void>(!::read(descriptor_, &rings, sizeof rings));
  }

private:
  int descriptor_;
};

}  // namespace

// What a server shares with its exchanges, which may outlive it.
struct message_exchange::company {
  struct letter {
    std::string peer;
    bool delimited;
    std::vector<std::byte> body;
  };
  bell wake;
  std::mutex lock;  // for what follows
  std::condition_variable settled;
  std::vector<letter> outbox;
  std::size_t open = 0;  // exchanges whose answer ZeroMQ has not got
  bool draining = false, ended = false;

  void post(letter one) {
    bool first = false;
    {
      const std::lock_guard guard(lock);
      if (ended) return;
      first = outbox.empty();
      outbox.push_back(std::move(one));
    }
    if (first) wake.ring();
  }
  void settle(std::size_t count) {
    const std::lock_guard guard(lock);
    open -= count;
    if (open == 0) settled.notify_all();
  }
};

message_exchange::message_exchange(std::shared_ptr<company> to, std::string peer, bool delimited)
    : to_(std::move(to)), peer_(std::move(peer)), delimited_(delimited) {}
message_exchange::~message_exchange() {
  if (to_) to_->settle(1);
}
void message_exchange::answer(std::vector<std::byte> body) {
  if (const auto to = std::exchange(to_, nullptr)) to->post({std::move(peer_), delimited_, std::move(body)});
}

struct message_server::impl {
  using company = message_exchange::company;
  std::shared_ptr<company> all = std::make_shared<company>();
  message_handler handler;
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::router};
  system_clock_source clock;
  std::optional<curve_gate> gate;  // none: whoever sends is answered
  std::string endpoint;
  std::atomic<std::uint64_t> dropped = 0;
  std::vector<company::letter> sending;
  std::vector<std::byte> received;  // aligned, unlike ZeroMQ's own
  std::thread thread;

  void listen(const std::string& at, const message_limits& limits) {
    socket.set(zmq::sockopt::router_mandatory, true);  // an answer that cannot go is an error, not silence
    socket.set(zmq::sockopt::sndhwm, limits.unread);
    socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits.message_bytes));
    socket.set(zmq::sockopt::linger, linger_ms);
    socket.set(zmq::sockopt::handshake_ivl, greeting_ms);
    // Any bytes at all are a peer of ZMTP 1, and frames of it. With a domain ZeroMQ wants the greeting of ZMTP 3; nobody is asked about it.
    socket.set(zmq::sockopt::zap_domain, "argosy");
    if (at.find('[') != std::string::npos) socket.set(zmq::sockopt::ipv6, true);
    if (gate) gate->guard(socket, context);
    socket.bind(at);
    endpoint = socket.get(zmq::sockopt::last_endpoint);
  }

  void run() {
    zmq::pollitem_t items[] = {{nullptr, all->wake.descriptor(), ZMQ_POLLIN, 0},
                               {socket.handle(), 0, ZMQ_POLLIN, 0},
                               {gate ? gate->asked().handle() : nullptr, 0, ZMQ_POLLIN, 0}};
    for (bool draining = false;;) {
      zmq::poll(items, draining ? 1 : gate ? 3 : 2, std::chrono::milliseconds(-1));
      if (gate && items[2].revents != 0) gate->answer();
      if (items[0].revents != 0) all->wake.silence();
      {
        const std::lock_guard guard(all->lock);
        if (all->ended) return;
        draining = all->draining;
        sending.swap(all->outbox);
      }
      send_all();
      if (!draining) receive();
    }
  }
  void send_all() {
    if (sending.empty()) return;
    for (const auto& one : sending) {
      if (!send(one)) ++dropped;
    }
    all->settle(sending.size());
    sending.clear();
  }
  bool send(const company::letter& one) {
    const auto flags = zmq::send_flags::dontwait;
    try {
      if (!socket.send(zmq::buffer(one.peer), flags | zmq::send_flags::sndmore)) return false;
      if (one.delimited) socket.send(zmq::const_buffer(), flags | zmq::send_flags::sndmore);
      socket.send(zmq::buffer(one.body), flags);
      return true;
    } catch (const zmq::error_t&) {  // the peer is gone
      return false;
    }
  }
  void receive() {
    zmq::message_t peer, frame;
    for (int i = 0; i < received_at_once && socket.recv(peer, zmq::recv_flags::dontwait); ++i) {
      const bool delimited = next(peer, frame) && frame.empty() && next(frame, frame);
      received.assign(frame.data<std::byte>(), frame.data<std::byte>() + frame.size());
      const bool known = !gate || gate->sender_of(frame) != nullptr;
      while (next(frame, frame)) {
      }  // what follows is nobody's
      if (!known) continue;
      {
        const std::lock_guard guard(all->lock);
        if (all->draining) return;
        ++all->open;
      }
      hand_over(message_exchange(all, peer.to_string(), delimited));
    }
  }
  // One that cannot be taken costs its peer an answer, not the others the server.
  void hand_over(message_exchange exchange) {
    try {
      handler(received, std::move(exchange));
    } catch (const std::exception& why) {
      log::warning(std::string("a message was not taken: ") + why.what());
    }
  }
  // The frame after this one.
  bool next(const zmq::message_t& before, zmq::message_t& to) {
    return before.more() && socket.recv(to, zmq::recv_flags::dontwait).has_value();
  }
};

message_server::message_server(std::unique_ptr<impl> made) : impl_(std::move(made)) {}

result<std::unique_ptr<message_server>> message_server::start(const std::string& endpoint, message_handler handler,
                                                              const message_limits& limits, const curve_server_files& curve) {
  std::unique_ptr<impl> made;
  try {
    made = std::make_unique<impl>();
    if (!curve.secret.empty()) {
      ARGOSY_ASSIGN(made->gate, curve_gate::open(curve, made->clock));
    }
    made->handler = std::move(handler);
    made->listen(endpoint, limits);
  } catch (const zmq::error_t& why) {
    const bool unknown = why.num() == EINVAL || why.num() == EPROTONOSUPPORT || why.num() == ENOCOMPATPROTO;
    return status(unknown ? errc::invalid_argument : errc::io_error,
                  endpoint + ": " + why.what() + (unknown ? "; want tcp://HOST:PORT or ipc://PATH" : ""));
  }
  if (made->all->wake.descriptor() < 0) return status(errc::io_error, endpoint + ": no descriptor is left");
  made->thread = std::thread([&one = *made] {
    let_others_finish();
    one.run();
  });
  return std::unique_ptr<message_server>(new message_server(std::move(made)));
}

message_server::~message_server() {
  {
    const std::lock_guard guard(impl_->all->lock);
    impl_->all->ended = true;
  }
  impl_->all->wake.ring();
  impl_->thread.join();
}

const std::string& message_server::endpoint() const noexcept { return impl_->endpoint; }
std::uint64_t message_server::dropped() const noexcept { return impl_->dropped; }

bool message_server::drain(std::chrono::milliseconds patience) {
  std::unique_lock held(impl_->all->lock);
  impl_->all->draining = true;
  impl_->all->wake.ring();
  return impl_->all->settled.wait_for(held, patience, [this] { return impl_->all->open == 0; });
}

}  // namespace argosy

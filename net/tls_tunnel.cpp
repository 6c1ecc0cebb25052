#include "net/tls_tunnel.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <list>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "net/listening.hpp"
#include "net/server_thread.hpp"
#include "net/tls_context.hpp"

namespace argosy {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using error = boost::system::error_code;
using secure_stream = asio::ssl::stream<tcp::socket>;

constexpr std::size_t buffer_bytes = 64 * 1024;
constexpr std::chrono::milliseconds pause_after_refusal{50};  // of accept(): no descriptors left

// A connection: its plain end and its secure one. Lives until either has ended.
class link : public std::enable_shared_from_this<link> {
public:
  link(tcp::socket plain, secure_stream secure) : plain_(std::move(plain)), secure_(std::move(secure)), patience_(plain_.get_executor()) {}

  // From now on the far end has so long to be there and to prove itself.
  void begin(std::chrono::milliseconds within) {
    patience_.expires_after(within);
    patience_.async_wait([self = shared_from_this()](error stopped) {
      if (!stopped && !self->proved_) self->close();
    });
  }
  // `then` once it has, `otherwise` when it has not and never will.
  void prove(
      secure_stream::handshake_type as, std::function<void(const std::shared_ptr<link>&)> then,
      std::function<void(const error&)> otherwise = [](const error&) {}) {
    if (closed_) return;
    secure_.async_handshake(as, [self = shared_from_this(), then = std::move(then), otherwise = std::move(otherwise)](error why) {
      if (why || self->closed_) {
        otherwise(why);
        return self->close();
      }
      self->patience_.cancel();
      self->proved_ = true;
      then(self);
    });
  }
  void carry() {
    if (closed_) return close();
    error ignored;
    // A far end that is gone without a word: what it has not confirmed for so long ends the connection.
    const int unconfirmed_ms = 10'000;
    static_cast<void>(::setsockopt(far().native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &unconfirmed_ms, sizeof unconfirmed_ms));
    plain_.set_option(tcp::no_delay(true), ignored);
    secure_.next_layer().set_option(tcp::no_delay(true), ignored);
    pump(plain_, secure_, out_);
    pump(secure_, plain_, in_);
  }
  void close() {
    closed_ = true;
    error ignored;
    patience_.cancel();
    plain_.close(ignored);
    secure_.next_layer().close(ignored);
  }
  bool proved() const noexcept { return proved_; }
  bool closed() const noexcept { return closed_; }
  tcp::socket& plain() noexcept { return plain_; }
  tcp::socket& far() noexcept { return secure_.next_layer(); }

private:
  using bytes = std::array<char, buffer_bytes>;
  template <class From, class To>
  void pump(From& from, To& to, bytes& held) {
    from.async_read_some(asio::buffer(held), [self = shared_from_this(), &from, &to, &held](error why, std::size_t size) {
      if (why) return self->close();
      asio::async_write(to, asio::buffer(held, size), [self, &from, &to, &held](error failed, std::size_t) {
        if (failed) return self->close();
        self->pump(from, to, held);
      });
    });
  }
  tcp::socket plain_;
  secure_stream secure_;
  asio::steady_timer patience_;
  bool proved_ = false, closed_ = false;
  bytes in_, out_;
};

// Says who was not let in, once in a while: who tries again and again fills no log.
class refusals {
public:
  void note(const std::string& whom, const error& why) {
    ++untold_;
    const auto now = std::chrono::steady_clock::now();
    if (last_ && now - *last_ < between) return;
    last_ = now;
    const std::string what = why && why != asio::error::operation_aborted ? why.message() : "it proved nothing in time";
    log::warning("a node was not let in: has it the secret, or certificates, of this job?",
                 {{"from", whom}, {"why", what}, {"refused", std::exchange(untold_, 0)}});
  }

private:
  static constexpr std::chrono::seconds between{10};
  std::optional<std::chrono::steady_clock::time_point> last_;
  std::uint64_t untold_ = 0;
};

std::string text_of(const tcp::socket& of) {
  error none;
  const auto from = of.remote_endpoint(none);
  std::ostringstream text;
  text << from;
  return none ? "somebody who is gone" : text.str();
}

}  // namespace

struct tls_tunnel::impl {
  impl(tls_context shown, const tunnel_limits& chosen) : limits(chosen), tls(std::move(shown)) {}

  tunnel_limits limits;
  asio::io_context io;
  tls_context tls;
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  std::list<std::weak_ptr<link>> links;  // in the order in which they came
  std::function<void(tcp::socket)> taken;
  refusals refused;
  std::uint16_t port = 0;
  std::thread thread;

  void accept() {
    acceptor.async_accept([this](error why, tcp::socket socket) {
      if (!acceptor.is_open()) return;
      if (why) {
        pause.expires_after(pause_after_refusal);
        return pause.async_wait([this](error stopped) {
          if (!stopped && acceptor.is_open()) accept();
        });
      }
      taken(std::move(socket));
      accept();
    });
  }
  std::shared_ptr<link> remember(std::shared_ptr<link> made) {
    links.remove_if([](const auto& one) {
      const auto there = one.lock();
      return !there || there->closed();
    });
    links.push_back(made);
    std::size_t unproved = 0;
    for (const auto& one : links) unproved += one.lock()->proved() ? 0 : 1;
    if (unproved <= limits.unproved) return made;
    for (const auto& one : links) {
      if (const auto oldest = one.lock(); !oldest->proved()) {
        oldest->close();
        break;
      }
    }
    return made;
  }
  void run() {
    accept();
    thread = std::thread([this] {
      let_others_finish();
      io.run();
    });
  }
  void end() {
    asio::post(io, [this] {
      error ignored;
      acceptor.close(ignored);
      pause.cancel();
      for (const auto& one : links) {
        if (const auto open = one.lock()) open->close();
      }
    });
    if (thread.joinable()) thread.join();
  }
};

tls_tunnel::tls_tunnel(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
tls_tunnel::~tls_tunnel() { impl_->end(); }
std::uint16_t tls_tunnel::port() const noexcept { return impl_->port; }

result<std::unique_ptr<tls_tunnel>> tls_tunnel::entrance(const host_and_port& far, const node_credentials& with,
                                                         const tunnel_limits& limits) {
  ARGOSY_ASSIGN(tls_context shown, node_context(with));
  auto made = std::make_unique<impl>(std::move(shown), limits);
  ARGOSY_ASSIGN(made->port, listen_at(made->acceptor, {"127.0.0.1", "0"}));
  const auto finder = std::make_shared<tcp::resolver>(made->io);
  made->taken = [in = made.get(), finder, far](tcp::socket plain) {
    const auto one = in->remember(std::make_shared<link>(std::move(plain), secure_stream(in->io, *in->tls)));
    one->begin(in->limits.proving);
    finder->async_resolve(far.host, far.port, [one](error why, const tcp::resolver::results_type& found) {
      if (why || one->closed()) return one->close();
      asio::async_connect(one->far(), found, [one](error refused, const tcp::endpoint&) {
        if (refused || one->closed()) return one->close();
        one->prove(secure_stream::client, [](const std::shared_ptr<link>& proved) { proved->carry(); });
      });
    });
  };
  made->run();
  return std::unique_ptr<tls_tunnel>(new tls_tunnel(std::move(made)));
}

result<std::unique_ptr<tls_tunnel>> tls_tunnel::exit(const host_and_port& at, std::uint16_t plain_port, const node_credentials& with,
                                                     const tunnel_limits& limits) {
  ARGOSY_ASSIGN(tls_context shown, node_context(with));
  auto made = std::make_unique<impl>(std::move(shown), limits);
  ARGOSY_ASSIGN(made->port, listen_at(made->acceptor, at));
  made->taken = [in = made.get(), plain_port](tcp::socket far) {
    const std::string from = text_of(far);
    const auto one = in->remember(std::make_shared<link>(tcp::socket(in->io), secure_stream(std::move(far), *in->tls)));
    one->begin(in->limits.proving);
    one->prove(
        secure_stream::server,
        [plain_port](const std::shared_ptr<link>& proved) {
          proved->plain().async_connect({asio::ip::address_v4::loopback(), plain_port}, [proved](error why) {
            if (why) return proved->close();
            proved->carry();
          });
        },
        [in, from](const error& why) {
          if (in->acceptor.is_open()) in->refused.note(from, why);
        });
  };
  made->run();
  return std::unique_ptr<tls_tunnel>(new tls_tunnel(std::move(made)));
}

}  // namespace argosy

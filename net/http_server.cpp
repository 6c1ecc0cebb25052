#include "net/http_server.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/version.hpp>
#include <cctype>
#include <cstdio>
#include <future>
#include <list>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

#include "base/log.hpp"
#include "net/listening.hpp"
#include "net/server_thread.hpp"
#include "net/tls_context.hpp"

namespace argosy {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using error = beast::error_code;

constexpr std::chrono::milliseconds pause_after_refusal{50};  // of accept(): no descriptors left

// What a request that cannot be read is answered with; none: nothing, the connection is closed.
std::optional<http_reply> refusal_of(const error& why) {
  const auto say = [](unsigned code, std::string_view what) { return http_reply{code, R"({"error": ")" + std::string(what) + "\"}\n"}; };
  if (why == http::error::body_limit) return say(413, "the body is too long");
  if (why == http::error::header_limit) return say(431, "the header is too long");
  if (why == http::error::end_of_stream || why == http::error::partial_message) return std::nullopt;
  if (why.category() == make_error_code(http::error::bad_method).category()) return say(400, "no HTTP request: " + why.message());
  return std::nullopt;
}

}  // namespace

// One connection, over whatever stream. All of it on the server's thread but answer().
class http_exchange::connection : public std::enable_shared_from_this<connection> {
public:
  // What all connections of a server share; theirs and the server's.
  struct company {
    asio::io_context io{1};
    http_handler handler;
    http_limits limits;
    http_gate admit;                                       // may be none
    std::list<std::shared_ptr<connection>> waiting, busy;  // for a request, the longest first; with one
    std::atomic<std::size_t> count = 0;
    bool draining = false;
    std::mutex answering;  // for what follows
    bool ended = false;    // nothing is given to `io` any more
  };

  explicit connection(std::shared_ptr<company> of) : of_(std::move(of)) { ++of_->count; }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  virtual ~connection() { --of_->count; }

  virtual void begin() = 0;
  virtual void close() = 0;
  void answer(http_reply reply) {
    const std::lock_guard lock(of_->answering);
    if (of_->ended) return;
    asio::post(of_->io, [self = shared_from_this(), reply = std::move(reply)]() mutable { self->write(std::move(reply)); });
  }

protected:
  virtual void write(http_reply) = 0;
  std::shared_ptr<company> of_;  // outlives the stream, which is of its context
};

namespace {

constexpr std::chrono::milliseconds patience_of_farewell{1'000};  // of TLS, for the client's part of it

constexpr const char* id_field = "X-Request-Id";

bool is_id(std::string_view text) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-'; };
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), fits);
}

// The client's, or a new one: of servers that were started at different moments they differ.
std::string id_of(std::string_view wanted) {
  if (is_id(wanted)) return std::string(wanted);
  static std::atomic<std::uint64_t> next{std::random_device{}() * std::uint64_t{0x100000000}};
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(next++));
  return digits.data();
}

http_request told_of(const http::request_parser<http::string_body>::value_type& request, const std::string& id) {
  const auto field = [&](http::field name) { return std::string(request[name]); };
  http_request told{std::string(request.method_string()), std::string(request.target()), {}};
  if (request.method() == http::verb::head) told.method = "GET";
  told.host = field(http::field::host);
  told.origin = field(http::field::origin);
  told.authorization = field(http::field::authorization);
  told.id = id;
  return told;
}

// Reads a request, hands it over, writes the answer, and again. `Stream`: beast::tcp_stream, or TLS over it.
template <class Stream>
class connection_over final : public http_exchange::connection {
public:
  template <class... Tls>
  connection_over(tcp::socket socket, std::shared_ptr<company> of, Tls&... tls)
      : connection(std::move(of)), stream_(std::move(socket), tls...) {}

  void begin() override {
    error ignored;
    tcp_layer().socket().set_option(tcp::no_delay(true), ignored);
    place_ = of_->waiting.insert(of_->waiting.end(), shared_from_this());
    if constexpr (is_secure) {
      tcp_layer().expires_after(of_->limits.reading);
      stream_.async_handshake(asio::ssl::stream_base::server, [self = shared()](error why) { why ? self->close() : self->read(); });
    } else {
      read();
    }
  }
  void close() override {
    if (closed_) return;
    closed_ = true;
    tcp_layer().cancel();
    error ignored;
    tcp_layer().socket().shutdown(tcp::socket::shutdown_both, ignored);
    tcp_layer().close();
    (asked_ ? of_->busy : of_->waiting).erase(place_);
  }

private:
  static constexpr bool is_secure = !std::is_same_v<Stream, beast::tcp_stream>;
  beast::tcp_stream& tcp_layer() noexcept { return beast::get_lowest_layer(stream_); }
  std::shared_ptr<connection_over> shared() { return std::static_pointer_cast<connection_over>(shared_from_this()); }

  void read() {
    if (closed_) return;  // for another connection, when what it waited for had come already: so wherever it goes on
    if (of_->draining) return close();
    id_.clear();
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(of_->limits.header_bytes));
    parser_->body_limit(of_->limits.body_bytes);
    tcp_layer().expires_after(buffer_.size() > 0 ? of_->limits.reading : of_->limits.idle);
    if (buffer_.size() > 0) return read_header();
    // The time of a request begins with its first byte.
    stream_.async_read_some(buffer_.prepare(first_bytes), [self = shared()](error why, std::size_t bytes) {
      if (why) return self->close();
      self->buffer_.commit(bytes);
      self->tcp_layer().expires_after(self->of_->limits.reading);
      self->read_header();
    });
  }
  void read_header() {
    http::async_read_header(stream_, buffer_, *parser_, [self = shared()](error why, std::size_t) {
      if (why) return self->refuse(why);
      const auto wanted = self->parser_->get()[id_field];
      self->id_ = id_of({wanted.data(), wanted.size()});
      const auto length = self->parser_->content_length();
      const auto method = self->parser_->get().method();
      const bool reads = method == http::verb::get || method == http::verb::head;
      const std::size_t most = reads ? std::min(first_bytes, self->of_->limits.body_bytes) : self->of_->limits.body_bytes;
      if (length && *length > most) return self->refuse(http::error::body_limit);
      self->parser_->body_limit(most);
      if (self->of_->admit && !self->parser_->is_done()) {
        if (auto reply = self->of_->admit(told_of(self->parser_->get(), self->id_))) return self->refuse_with(std::move(*reply));
      }
      if (!beast::iequals(self->parser_->get()[http::field::expect], "100-continue")) return self->read_body();
      self->go_on();
    });
  }
  // The client waits for leave to send the body.
  void go_on() {
    const auto leave = std::make_shared<http::response<http::empty_body>>(http::status::continue_, 11);
    http::async_write(stream_, *leave, [self = shared(), leave](error why, std::size_t) {
      if (why) return self->close();
      self->read_body();
    });
  }
  void read_body() {
    http::async_read(stream_, buffer_, *parser_, [self = shared()](error why, std::size_t) {
      if (why) return self->refuse(why);
      self->hand_over();
    });
  }
  void refuse(const error& why) {
    auto reply = refusal_of(why);
    if (!reply) return close();
    refuse_with(std::move(*reply));
  }
  // What it has not sent yet is not waited for.
  void refuse_with(http_reply reply) {
    if (closed_) return;
    ask();
    keep_ = head_ = false;
    refused_ = true;
    write(std::move(reply));
  }
  // What is still sent of a refused request: were it left unread, closing would take the answer back from the client.
  void discard(std::size_t left) {
    if (closed_) return;
    if (left == 0) return close();
    buffer_.clear();
    tcp_layer().async_read_some(buffer_.prepare(first_bytes), [self = shared(), left](error why, std::size_t bytes) {
      if (why) return self->close();
      self->discard(left - std::min(left, bytes));
    });
  }
  void ask() {
    asked_ = true;
    of_->busy.splice(of_->busy.end(), of_->waiting, place_);
  }
  void note(const http::request<http::string_body>& request) {
    keep_ = request.keep_alive();
    head_ = request.method() == http::verb::head;
  }
  void hand_over() {
    if (closed_) return;
    ask();
    tcp_layer().expires_never();  // the handler has its own limits
    auto request = parser_->release();
    note(request);
    http_request told = told_of(request, id_);
    told.body = std::move(request.body());
    of_->handler(std::move(told), http_exchange(shared()));
  }
  void write(http_reply reply) override {
    if (closed_) return;
    reply_.emplace();
    reply_->version(11);
    reply_->result(reply.code);
    const bool has_body = reply.code != 204;  // RFC 9110, 8.6: then neither a type nor a length
    if (has_body) reply_->set(http::field::content_type, beast::string_view(reply.content_type.data(), reply.content_type.size()));
    for (const auto& [name, value] : reply.fields) reply_->set(beast::string_view(name.data(), name.size()), value);
    if (!id_.empty()) reply_->set(id_field, id_);
    reply_->keep_alive(keep_ && !of_->draining);
    if (has_body) reply_->content_length(reply.body.size());
    if (!head_) reply_->body() = std::move(reply.body);
    tcp_layer().expires_after(of_->limits.reading);
    http::async_write(stream_, *reply_, [self = shared()](error why, std::size_t) { self->written(why); });
  }
  void written(const error& why) {
    if (closed_) return;
    if (!why && refused_) {
      error ignored;
      tcp_layer().socket().shutdown(tcp::socket::shutdown_send, ignored);
      asked_ = false;  // it is the first to make room: who sends what is refused keeps nobody out
      of_->waiting.splice(of_->waiting.begin(), of_->busy, place_);
      return discard(most_discarded);
    }
    if (why) return close();
    if (!reply_->keep_alive()) return part();
    asked_ = false;
    of_->waiting.splice(of_->waiting.end(), of_->busy, place_);
    read();
  }

  // Of TLS the client is told that this was all.
  void part() {
    if constexpr (is_secure) {
      tcp_layer().expires_after(patience_of_farewell);
      stream_.async_shutdown([self = shared()](error) { self->close(); });
    } else {
      close();
    }
  }

  static constexpr std::size_t first_bytes = 4096, most_discarded = 16 * 1024 * 1024;
  Stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> reply_;
  std::list<std::shared_ptr<connection>>::iterator place_;
  std::string id_;  // of the request
  bool keep_ = true, head_ = false, refused_ = false, asked_ = false, closed_ = false;
};

using plain_connection = connection_over<beast::tcp_stream>;
using secure_connection = connection_over<beast::ssl_stream<beast::tcp_stream>>;

}  // namespace

http_exchange::http_exchange(std::shared_ptr<connection> to) noexcept : to_(std::move(to)) {}
http_exchange::~http_exchange() {
  if (to_) to_->answer({500, "{\"error\": \"the request was dropped\"}\n"});
}
void http_exchange::answer(http_reply reply) {
  if (const auto to = std::exchange(to_, nullptr)) to->answer(std::move(reply));
}

struct http_server::impl {
  using connection = http_exchange::connection;
  std::shared_ptr<connection::company> all = std::make_shared<connection::company>();
  tcp::acceptor acceptor{all->io};
  asio::steady_timer pause{all->io};
  asio::executor_work_guard<asio::io_context::executor_type> work{all->io.get_executor()};
  tls_context tls;  // null: plain
  std::uint16_t port = 0;
  std::thread thread;

  void accept() {
    acceptor.async_accept([this](error why, tcp::socket socket) {
      if (!acceptor.is_open()) return;  // it ends or drains: what was accepted meanwhile is closed
      if (why) return accept_later(why);
      make_room();
      begin(std::move(socket));
      accept();
    });
  }
  void begin(tcp::socket socket) {
    if (tls) return std::make_shared<secure_connection>(std::move(socket), all, *tls)->begin();
    std::make_shared<plain_connection>(std::move(socket), all)->begin();
  }
  void accept_later(const error& why) {
    log::warning("a connection was not taken: " + why.message());
    make_room();
    pause.expires_after(pause_after_refusal);
    pause.async_wait([this](error stopped) {
      if (!stopped && acceptor.is_open()) accept();
    });
  }
  void make_room() {
    if (all->waiting.empty() || all->waiting.size() + all->busy.size() < all->limits.connections) return;
    const auto longest = all->waiting.front();
    longest->close();
  }
  void close_waiting() {
    while (!all->waiting.empty()) {
      const auto one = all->waiting.front();
      one->close();
    }
  }
  void close_all() {
    close_waiting();
    while (!all->busy.empty()) {
      const auto one = all->busy.front();
      one->close();
    }
  }
};

http_server::http_server(std::unique_ptr<impl> made) : impl_(std::move(made)) {}

result<std::unique_ptr<http_server>> http_server::start(std::string_view address, http_handler handler, const http_limits& limits,
                                                        const http_security& security) {
  ARGOSY_ASSIGN(const host_and_port at, parse_address(address));
  auto made = std::make_unique<impl>();
  made->all->handler = std::move(handler);
  made->all->limits = limits;
  made->all->admit = security.admit;
  if (security.tls) {
    ARGOSY_ASSIGN(made->tls, server_context(*security.tls));
  }
  ARGOSY_ASSIGN(made->port, listen_at(made->acceptor, at));
  made->accept();
  made->thread = std::thread([&io = made->all->io] {
    let_others_finish();
    io.run();
  });
  return std::unique_ptr<http_server>(new http_server(std::move(made)));
}

http_server::~http_server() {
  {
    const std::lock_guard lock(impl_->all->answering);
    impl_->all->ended = true;
  }
  asio::post(impl_->all->io, [this] {
    error ignored;
    impl_->acceptor.close(ignored);
    impl_->pause.cancel();
    impl_->close_all();
    impl_->work.reset();
  });
  impl_->thread.join();  // nothing is left to do once all is closed
}

std::uint16_t http_server::port() const noexcept { return impl_->port; }
std::size_t http_server::connections() const noexcept { return impl_->all->count; }

bool http_server::drain(std::chrono::milliseconds patience) {
  asio::post(impl_->all->io, [this] {
    error ignored;
    impl_->acceptor.close(ignored);
    impl_->pause.cancel();
    impl_->all->draining = true;
    impl_->close_waiting();
  });
  const auto end = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < end) {
    std::promise<std::size_t> busy;
    asio::post(impl_->all->io, [&] { busy.set_value(impl_->all->busy.size() + impl_->all->waiting.size()); });
    if (busy.get_future().get() == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

}  // namespace argosy

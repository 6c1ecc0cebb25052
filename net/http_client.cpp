#include "net/http_client.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <deque>
#include <optional>
#include <type_traits>
#include <utility>

#include "net/host_and_port.hpp"
#include "net/tls_context.hpp"

namespace argosy {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using error = beast::error_code;

struct waiting_request {
  std::string target;
  std::uint64_t number;
};

}  // namespace

struct http_client::impl {
  virtual ~impl() = default;
  virtual status begin(std::string_view address, std::size_t count) = 0;
  virtual void send_waiting() = 0;

  asio::io_context io{1};
  std::deque<waiting_request> line;
  std::vector<http_answer> answered;
  std::string authorization;  // empty: none
};

namespace {

using plain_stream = tcp::socket;
using secure_stream = asio::ssl::stream<tcp::socket>;

}  // namespace

// Its connections over one kind of stream.
template <class Stream>
struct http_client::impl_over final : http_client::impl {
  static constexpr bool is_secure = std::is_same_v<Stream, secure_stream>;
  explicit impl_over(tls_context context) : tls(std::move(context)) {}

  struct connection {
    std::optional<Stream> stream;  // a TLS that has ended begins no more: another takes its place
    beast::flat_buffer buffer;
    http::request<http::empty_body> request;
    std::optional<http::response<http::string_body>> response;
    std::uint64_t number = 0;
    tcp::socket& socket() { return beast::get_lowest_layer(*stream); }
  };

  tls_context tls;  // null: plain
  tcp::endpoint server;
  std::string host, name;  // HOST:PORT; HOST
  std::vector<std::unique_ptr<connection>> connections;
  std::vector<connection*> idle;

  status begin(std::string_view address, std::size_t count) override {
    ARGOSY_ASSIGN(const host_and_port at, parse_address(address));
    error why;
    tcp::resolver resolver(io);
    host = std::string(address);
    name = at.host;
    const auto found = resolver.resolve(at.host, at.port, why);
    if (why || found.empty()) return {errc::invalid_argument, host + ": " + why.message()};
    server = found.begin()->endpoint();
    for (std::size_t i = 0; i < count; ++i) {
      connections.push_back(std::make_unique<connection>());
      ARGOSY_TRY(connect(*connections.back()));
      idle.push_back(connections.back().get());
    }
    return {};
  }
  status renew(connection& one) {
    one.buffer.clear();
    if constexpr (is_secure) {
      one.stream.emplace(io, *tls);
      if (!expect_name(one.stream->native_handle(), name))
        return {errc::invalid_argument, host + ": want a host whose name a certificate can have"};
    } else {
      one.stream.emplace(io);
    }
    return {};
  }
  status connect(connection& one) {
    ARGOSY_TRY(renew(one));
    error why;
    one.socket().connect(server, why);
    if (why) return {errc::io_error, host + ": " + why.message()};
    one.socket().set_option(tcp::no_delay(true), why);
    if constexpr (is_secure) {
      one.stream->handshake(asio::ssl::stream_base::client, why);
      if (why) return {errc::io_error, host + ": TLS: " + why.message() + mistrust_of(one.stream->native_handle())};
    }
    return {};
  }
  void send_waiting() override {
    while (!idle.empty() && !line.empty()) {
      connection& on = *idle.back();
      idle.pop_back();
      send(on, line.front());
      line.pop_front();
    }
  }
  void send(connection& on, const waiting_request& one) {
    on.number = one.number;
    on.request = {http::verb::get, one.target, 11};
    on.request.set(http::field::host, host);
    if (!authorization.empty()) on.request.set(http::field::authorization, authorization);
    http::async_write(*on.stream, on.request, [this, &on](error why, std::size_t) {
      if (why) return lose(on);
      on.response.emplace();
      http::async_read(*on.stream, on.buffer, *on.response, [this, &on](error wrong, std::size_t) {
        if (wrong) return lose(on);
        answered.push_back({on.number, on.response->result_int(), on.response->body().size()});
        if (!on.response->keep_alive()) return connect_again(on);
        idle.push_back(&on);
      });
    });
  }
  void lose(connection& on) {
    answered.push_back({on.number, 0, 0});
    connect_again(on);
  }
  // Refused: the next request is told.
  void connect_again(connection& on) {
    error ignored;
    on.socket().close(ignored);
    static_cast<void>(renew(on).ok());  // as when it was first connected
    on.socket().async_connect(server, [this, &on](error why) {
      if constexpr (is_secure) {
        if (!why) return on.stream->async_handshake(asio::ssl::stream_base::client, [this, &on](error) { idle.push_back(&on); });
      }
      idle.push_back(&on);
    });
  }
};

http_client::http_client(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
http_client::~http_client() = default;

result<std::unique_ptr<http_client>> http_client::connect(std::string_view address, std::size_t connections,
                                                          const http_client_options& options) {
  std::unique_ptr<impl> made;
  if (options.secure) {
    ARGOSY_ASSIGN(tls_context context, client_context(options.authorities));
    made = std::make_unique<impl_over<secure_stream>>(std::move(context));
  } else {
    made = std::make_unique<impl_over<plain_stream>>(nullptr);
  }
  if (!options.key.empty()) made->authorization = "Bearer " + options.key;
  ARGOSY_TRY(made->begin(address, connections));
  return std::unique_ptr<http_client>(new http_client(std::move(made)));
}

void http_client::get(std::string target, std::uint64_t number) { impl_->line.push_back({std::move(target), number}); }

void http_client::take(std::vector<http_answer>& to) {
  impl_->send_waiting();
  impl_->io.restart();
  impl_->io.poll();
  impl_->send_waiting();
  to.insert(to.end(), impl_->answered.begin(), impl_->answered.end());
  impl_->answered.clear();
}

}  // namespace argosy

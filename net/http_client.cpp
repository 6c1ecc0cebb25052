#include "net/http_client.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <deque>
#include <optional>
#include <utility>

#include "net/host_and_port.hpp"

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
  struct connection {
    explicit connection(impl& of) : all(&of), socket(of.io) {}
    impl* all;
    tcp::socket socket;
    beast::flat_buffer buffer;
    http::request<http::empty_body> request;
    std::optional<http::response<http::string_body>> response;
    std::uint64_t number = 0;
  };

  asio::io_context io{1};
  tcp::endpoint server;
  std::string host;
  std::vector<std::unique_ptr<connection>> connections;
  std::vector<connection*> idle;
  std::deque<waiting_request> line;
  std::vector<http_answer> answered;

  status begin(std::string_view address, std::size_t count) {
    ARGOSY_ASSIGN(const host_and_port at, parse_address(address));
    error why;
    tcp::resolver resolver(io);
    host = std::string(address);
    const auto found = resolver.resolve(at.host, at.port, why);
    if (why || found.empty()) return {errc::invalid_argument, host + ": " + why.message()};
    server = found.begin()->endpoint();
    for (std::size_t i = 0; i < count; ++i) {
      connections.push_back(std::make_unique<connection>(*this));
      connections.back()->socket.connect(server, why);
      if (why) return {errc::io_error, host + ": " + why.message()};
      connections.back()->socket.set_option(tcp::no_delay(true), why);
      idle.push_back(connections.back().get());
    }
    return {};
  }
  void send_waiting() {
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
    http::async_write(on.socket, on.request, [this, &on](error why, std::size_t) {
      if (why) return lose(on);
      on.response.emplace();
      http::async_read(on.socket, on.buffer, *on.response, [this, &on](error wrong, std::size_t) {
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
  void connect_again(connection& on) {
    error ignored;
    on.socket.close(ignored);
    on.buffer.clear();
    on.socket.async_connect(server, [this, &on](error) { idle.push_back(&on); });  // refused: the next request is told
  }
};

http_client::http_client(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
http_client::~http_client() = default;

result<std::unique_ptr<http_client>> http_client::connect(std::string_view address, std::size_t connections) {
  auto made = std::make_unique<impl>();
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

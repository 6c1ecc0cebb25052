#include "net/group_door.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <functional>
#include <list>
#include <optional>
#include <utility>

#include "net/host_and_port.hpp"
#include "net/listening.hpp"
#include "net/tls_tunnel.hpp"

namespace argosy {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using error = boost::system::error_code;
using bytes32 = std::array<unsigned char, 32>;  // a secret, a draw, a proof

constexpr std::string_view address_magic = "argosy-group-1";
constexpr std::size_t longest_address = 512;
constexpr std::size_t most_unproved = 256;
constexpr std::chrono::milliseconds proving{5000}, between_calls{50};

// What the two sides of a connection say, in this order; numbers little-endian.
struct hello {  // who connects
  std::array<char, 8> magic;
  std::uint32_t rank;
  bytes32 draw;
};
struct reply {  // who listens
  bytes32 draw, proof;
};
static_assert(sizeof(hello) == 44 && sizeof(reply) == 64);
constexpr std::array<char, 8> hello_magic = {'a', 'r', 'g', 'o', 's', 'y', 'G', '1'};
constexpr char welcome = 'w';  // after the proof of who connects

std::string hex_of(const bytes32& of) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : of) text += {digits[byte >> 4], digits[byte & 15]};
  return text;
}

std::optional<bytes32> unhex(std::string_view text) {
  bytes32 out{};
  if (text.size() != 2 * out.size()) return {};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char* const at = text.data() + 2 * i;
    if (const auto [end, code] = std::from_chars(at, at + 2, out[i], 16); code != std::errc{} || end != at + 2) return {};
  }
  return out;
}

result<bytes32> drawn() {
  bytes32 out;
  if (RAND_bytes(out.data(), out.size()) != 1) return status(errc::unavailable, "OpenSSL has no random bytes");
  return out;
}

struct member_address {
  bytes32 secret{};
  tcp::endpoint at;
};

std::string text_of(const bytes32& secret, const std::string& host, std::uint16_t port) {
  const bool six = host.find(':') != std::string::npos;
  return std::string(address_magic) + " " + hex_of(secret) + " " + (six ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

result<member_address> read_address(const std::string& text) {
  const auto wrong = [] { return status(errc::invalid_argument, "want the address of a member of a group, got other bytes"); };
  const std::size_t at_secret = address_magic.size() + 1, at_place = at_secret + 2 * sizeof(bytes32) + 1;
  if (text.size() > longest_address || text.size() <= at_place || !text.starts_with(address_magic)) return wrong();
  if (text[at_secret - 1] != ' ' || text[at_place - 1] != ' ') return wrong();
  const auto secret = unhex(std::string_view(text).substr(at_secret, 2 * sizeof(bytes32)));
  if (!secret) return wrong();
  ARGOSY_ASSIGN(const host_and_port place, parse_address(std::string_view(text).substr(at_place)));
  ARGOSY_ASSIGN(const std::uint16_t port, port_number(place));
  error why;
  const auto host = asio::ip::make_address(place.host, why);
  if (why) return wrong();
  return member_address{*secret, {host, port}};
}

// What a member of this group knows and no other.
bytes32 key_of(std::span<const member_address> all) {
  std::string held(address_magic);
  for (const member_address& one : all) held.append(one.secret.begin(), one.secret.end());
  bytes32 key;
  SHA256(reinterpret_cast<const unsigned char*>(held.data()), held.size(), key.data());
  return key;
}

enum class side : unsigned char { listens = 1, connects = 2 };

// Of one connection between two ranks, by one side of it.
bytes32 proof_of(const bytes32& key, side by, std::uint32_t listener, const hello& from, const bytes32& listeners_draw) {
  std::string said(1, static_cast<char>(by));
  for (const std::uint32_t rank : {listener, from.rank}) said.append(reinterpret_cast<const char*>(&rank), sizeof rank);
  said.append(from.draw.begin(), from.draw.end());
  said.append(listeners_draw.begin(), listeners_draw.end());
  bytes32 proof;
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), key.size(), reinterpret_cast<const unsigned char*>(said.data()), said.size(), proof.data(), &size);
  return proof;
}

bool same(const bytes32& one, const bytes32& other) { return CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0; }

template <class T>
auto bytes_of(T& of) {
  return asio::buffer(&of, sizeof of);
}

// A connection whose far end has yet to prove who it is. Lives until it has, or until it is closed.
class introduction : public std::enable_shared_from_this<introduction> {
public:
  using known = std::function<void(std::uint32_t rank, tcp::socket)>;
  using unknown = std::function<void(const std::string& why)>;

  introduction(tcp::socket socket, const bytes32& key, std::uint32_t own_rank)
      : socket_(std::move(socket)), patience_(socket_.get_executor()), key_(key), own_(own_rank) {}

  // This side listens: whoever it is has so long.
  void listen(std::uint32_t ranks, known then) {
    patience_.expires_after(proving);
    patience_.async_wait([self = shared_from_this()](error stopped) {
      if (!stopped) self->close();
    });
    asio::async_read(socket_, bytes_of(hello_), [self = shared_from_this(), ranks, then = std::move(then)](error why, std::size_t) {
      const hello& said = self->hello_;
      if (why || said.magic != hello_magic || said.rank <= self->own_ || said.rank >= ranks) return self->close();
      self->answer(then);
    });
  }

  void connect(const tcp::endpoint& to, std::uint32_t rank, known then, unknown otherwise) {
    otherwise_ = std::move(otherwise);
    socket_.async_connect(to, [self = shared_from_this(), rank, then = std::move(then)](error why) {
      if (why) return self->fail(why.message());
      const auto draw = drawn();
      if (!draw.ok()) return self->fail(draw.failure().message());
      self->hello_ = {hello_magic, self->own_, *draw};
      asio::async_write(self->socket_, bytes_of(self->hello_), [self, rank, then](error failed, std::size_t) {
        if (failed) return self->fail(failed.message());
        self->prove(rank, then);
      });
    });
  }

  void close() {
    error ignored;
    patience_.cancel();
    socket_.close(ignored);
  }

private:
  void fail(const std::string& why) {
    close();
    otherwise_(why);
  }

  void answer(const known& then) {
    const auto draw = drawn();
    if (!draw.ok()) return close();
    reply_ = {*draw, proof_of(key_, side::listens, own_, hello_, *draw)};
    asio::async_write(socket_, bytes_of(reply_), [self = shared_from_this(), then](error why, std::size_t) {
      if (why) return self->close();
      asio::async_read(self->socket_, bytes_of(self->proof_), [self, then](error failed, std::size_t) {
        const bytes32 want = proof_of(self->key_, side::connects, self->own_, self->hello_, self->reply_.draw);
        if (failed || !same(self->proof_, want)) return self->close();
        self->say_welcome(then);
      });
    });
  }

  void say_welcome(const known& then) {
    asio::async_write(socket_, asio::buffer(&welcome, 1), [self = shared_from_this(), then](error why, std::size_t) {
      if (why || !self->socket_.is_open()) return self->close();
      self->patience_.cancel();
      then(self->hello_.rank, std::move(self->socket_));
    });
  }

  void prove(std::uint32_t rank, const known& then) {
    asio::async_read(socket_, bytes_of(reply_), [self = shared_from_this(), rank, then](error why, std::size_t) {
      if (why) return self->fail(why.message());
      if (!same(self->reply_.proof, proof_of(self->key_, side::listens, rank, self->hello_, self->reply_.draw)))
        return self->fail("who listens there is no member of this group");
      self->proof_ = proof_of(self->key_, side::connects, rank, self->hello_, self->reply_.draw);
      asio::async_write(self->socket_, bytes_of(self->proof_), [self, rank, then](error failed, std::size_t) {
        if (failed) return self->fail(failed.message());
        asio::async_read(self->socket_, asio::buffer(&self->welcome_, 1), [self, rank, then](error refused, std::size_t) {
          if (refused) return self->fail(refused.message());
          then(rank, std::move(self->socket_));
        });
      });
    });
  }

  tcp::socket socket_;
  asio::steady_timer patience_;
  bytes32 key_;
  std::uint32_t own_;
  unknown otherwise_;
  hello hello_{};
  reply reply_{};
  bytes32 proof_{};
  char welcome_ = 0;
};

}  // namespace

struct group_door::impl {
  explicit impl(place_in_group where, node_credentials with) : here(where), credentials(std::move(with)) {}

  place_in_group here;
  node_credentials credentials;
  asio::io_context io;
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  std::string address;
  std::unique_ptr<tls_tunnel> exit;
  std::vector<std::unique_ptr<tls_tunnel>> entrances;
  std::atomic<bool> stopped{false};
  bytes32 key{};
  std::vector<member_address> all;
  std::vector<tcp::socket> members;
  std::vector<std::string> last_reason;
  std::list<std::weak_ptr<introduction>> strangers;

  std::uint32_t own() const { return static_cast<std::uint32_t>(here.rank); }

  result<std::vector<member_address>> read(std::span<const std::string> addresses) const {
    if (std::ssize(addresses) != here.size)
      return status(errc::invalid_argument, "addresses: want " + std::to_string(here.size) + ", got " + std::to_string(addresses.size()));
    std::vector<member_address> read;
    for (std::size_t r = 0; r < addresses.size(); ++r) {
      auto one = read_address(addresses[r]);
      if (!one.ok()) return one.failure().within("address of " + rank_text(static_cast<std::int64_t>(r)));
      if (credentials.none() && !one->at.address().is_loopback())
        return status(errc::invalid_argument, "address of " + rank_text(static_cast<std::int64_t>(r)) +
                                                  ": want one of this machine, as there are no credentials, got " +
                                                  one->at.address().to_string());
      read.push_back(*one);
    }
    if (addresses[static_cast<std::size_t>(here.rank)] != address)
      return status(errc::invalid_argument, "address of " + rank_text(here.rank) + ": want its own, got another");
    return read;
  }

  // Other machines are behind an entrance of this one.
  status dig_tunnels() {
    if (credentials.none()) return {};
    for (std::size_t r = 0; r < own(); ++r) {
      tcp::endpoint& at = all[r].at;
      auto made = tls_tunnel::entrance({at.address().to_string(), std::to_string(at.port())}, credentials);
      if (!made.ok()) return made.failure().within("tunnel to " + rank_text(static_cast<std::int64_t>(r)));
      at = {asio::ip::address_v4::loopback(), (*made)->port()};
      entrances.push_back(std::move(*made));
    }
    return {};
  }

  void accept() {
    acceptor.async_accept([this](error why, tcp::socket socket) {
      if (!acceptor.is_open()) return;
      if (!why) {
        const auto one = std::make_shared<introduction>(std::move(socket), key, own());
        remember(one);
        one->listen(static_cast<std::uint32_t>(here.size),
                    [this](std::uint32_t rank, tcp::socket proved) { met(rank, std::move(proved)); });
        return accept();
      }
      pause.expires_after(between_calls);  // no descriptors left
      pause.async_wait([this](error ended) {
        if (!ended) accept();
      });
    });
  }

  void remember(const std::shared_ptr<introduction>& one) {
    strangers.remove_if([](const auto& each) { return each.expired(); });
    strangers.push_back(one);
    if (strangers.size() <= most_unproved) return;
    if (const auto oldest = strangers.front().lock()) oldest->close();
    strangers.pop_front();
  }

  void call(std::uint32_t rank) {
    const auto one = std::make_shared<introduction>(tcp::socket(io), key, own());
    one->connect(
        all[rank].at, rank, [this](std::uint32_t who, tcp::socket proved) { met(who, std::move(proved)); },
        [this, rank](const std::string& why) {
          last_reason[rank] = why;
          const auto later = std::make_shared<asio::steady_timer>(io, between_calls);
          later->async_wait([this, rank, later](error ended) {
            if (!ended) call(rank);
          });
        });
  }

  // A member that comes again has lost the connection before.
  void met(std::uint32_t rank, tcp::socket socket) {
    members[rank] = std::move(socket);
    if (missing().empty()) io.stop();
  }

  std::vector<std::uint32_t> missing() const {
    std::vector<std::uint32_t> ranks;
    for (std::uint32_t r = 0; r < members.size(); ++r)
      if (r != own() && !members[r].is_open()) ranks.push_back(r);
    return ranks;
  }

  status why_not(std::chrono::milliseconds within) const {
    if (stopped) return {errc::aborted, "stopped before its members had met"};
    std::string text = "after " + std::to_string(within.count()) + " ms without";
    for (const std::uint32_t rank : missing()) {
      text += " " + rank_text(rank);
      if (rank < own()) text += " (" + (last_reason[rank].empty() ? "no answer" : last_reason[rank]) + ")";
    }
    return {errc::aborted, text};
  }

  void shut() {
    error ignored;
    acceptor.close(ignored);
    for (const auto& one : strangers)
      if (const auto open = one.lock()) open->close();
  }
};

group_door::group_door(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
group_door::~group_door() = default;
const std::string& group_door::address() const noexcept { return impl_->address; }

result<std::unique_ptr<group_door>> group_door::open(place_in_group here, const std::string& host, const node_credentials& with) {
  if (here.size < 1 || here.rank < 0 || here.rank >= here.size)
    return status(errc::out_of_range,
                  "rank: want 0 .. " + std::to_string(here.size - 1) + " of a group of at least 1, got " + std::to_string(here.rank));
  error why;
  const auto number = asio::ip::make_address(host, why);
  if (why) return status(errc::invalid_argument, "want an address in numbers, got `" + host + "`");
  if (with.none() && !number.is_loopback())
    return status(errc::invalid_argument, host + ": want an address of this machine alone, or credentials for a tunnel");
  auto made = std::make_unique<impl>(here, with);
  ARGOSY_ASSIGN(const std::uint16_t plain, listen_at(made->acceptor, {with.none() ? host : "127.0.0.1", "0"}));
  std::uint16_t port = plain;
  if (!with.none()) {
    ARGOSY_ASSIGN(made->exit, tls_tunnel::exit({host, "0"}, plain, with));
    port = made->exit->port();
  }
  ARGOSY_ASSIGN(const bytes32 secret, drawn());
  made->address = text_of(secret, host, port);
  return std::unique_ptr<group_door>(new group_door(std::move(made)));
}

result<std::vector<int>> group_door::meet(std::span<const std::string> addresses, std::chrono::milliseconds within) {
  impl& in = *impl_;
  ARGOSY_ASSIGN(in.all, in.read(addresses));
  ARGOSY_TRY(in.dig_tunnels());
  in.key = key_of(in.all);
  in.last_reason.resize(addresses.size());
  for (std::size_t r = 0; r < addresses.size(); ++r) in.members.emplace_back(in.io);
  if (!in.missing().empty() && !in.stopped) {
    in.accept();
    for (std::uint32_t r = 0; r < in.own(); ++r) in.call(r);
    in.io.run_for(within);
  }
  in.shut();
  if (!in.missing().empty() || in.stopped) return in.why_not(within);
  std::vector<int> sockets;
  for (std::uint32_t r = 0; r < in.members.size(); ++r) {
    error refused;
    sockets.push_back(r == in.own() ? -1 : in.members[r].release(refused));
  }
  return sockets;
}

void group_door::stop() noexcept {
  impl_->stopped = true;
  impl_->io.stop();
}

}  // namespace argosy

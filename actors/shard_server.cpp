#include "actors/shard_server.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <exception>
#include <utility>

#include "actors/error.hpp"
#include "actors/node_system.hpp"
#include "actors/shard_actor.hpp"
#include "net/host_and_port.hpp"
#include "net/tls_tunnel.hpp"

namespace argosy {
namespace {

constexpr std::chrono::seconds patience_with_port{10};

}  // namespace

struct shard_server::impl {
  explicit impl(serving& of) : system(config), member(system.spawn(shard, shard_parts_of(of))) {}
  ~impl() { caf::anon_send_exit(member, caf::exit_reason::user_shutdown); }

  node_config config;
  caf::actor_system system;
  shard_actor member;
  std::uint16_t port = 0;
  std::unique_ptr<tls_tunnel> tunnel;

  result<std::uint16_t> publish(const std::string& host, std::uint16_t wanted) {
    result<std::uint16_t> bound = status(errc::internal, "not received");
    caf::scoped_actor self(system);
    self->request(system.middleman().actor_handle(), patience_with_port, caf::publish_atom_v, wanted,
                  caf::actor_cast<caf::strong_actor_ptr>(member), system.message_types(member), host, true)
        .receive([&](std::uint16_t at) { bound = at; },
                 [&](const caf::error& why) { bound = status(errc::unavailable, status_of(why).message()); });
    return bound;
  }
  status begin(const host_and_port& at, const node_credentials& with) {
    ARGOSY_ASSIGN(const std::uint16_t wanted, port_number(at));
    if (with.none()) {
      ARGOSY_ASSIGN(port, publish(at.host, wanted));
      return {};
    }
    ARGOSY_ASSIGN(const std::uint16_t plain, publish("127.0.0.1", 0));
    ARGOSY_ASSIGN(tunnel, tls_tunnel::exit(at, plain, with));
    port = tunnel->port();
    return {};
  }
};

shard_server::shard_server(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
shard_server::~shard_server() = default;
std::uint16_t shard_server::port() const noexcept { return impl_->port; }

result<std::unique_ptr<shard_server>> shard_server::start(const std::string& address, const node_credentials& with, serving& of) {
  ARGOSY_ASSIGN(const host_and_port at, parse_address(address));
  return guarded([&]() -> result<std::unique_ptr<shard_server>> {
    auto made = std::make_unique<impl>(of);
    const status begun = made->begin(at, with);
    if (!begun.ok()) return begun.within(address);
    return std::unique_ptr<shard_server>(new shard_server(std::move(made)));
  });
}

}  // namespace argosy

#include "actors/routing.hpp"

#include <algorithm>
#include <atomic>
#include <caf/actor_system.hpp>
#include <caf/io/middleman.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <utility>

#include "actors/error.hpp"
#include "actors/node_system.hpp"
#include "actors/router_actor.hpp"
#include "net/host_and_port.hpp"
#include "net/tls_tunnel.hpp"

namespace argosy {

struct routing::impl {
  impl(const routing_options& chosen, const clock_source& clock)
      : options(chosen), time(&clock), actors(std::make_unique<caf::actor_system>(config)) {}
  ~impl() {
    if (router) caf::anon_send_exit(router, caf::exit_reason::user_shutdown);
    for (const shard_actor& one : shards) caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  }

  routing_options options;
  const clock_source* time;
  std::vector<std::unique_ptr<serving>> stores;  // outlive the actors
  std::vector<std::unique_ptr<tls_tunnel>> tunnels;
  node_config config;
  std::unique_ptr<caf::actor_system> actors;
  std::vector<shard_actor> shards;
  router_actor router;
  std::vector<std::string> names;  // of replicas
  std::vector<std::size_t> shard_of;
  std::shared_ptr<std::vector<replica_figures>> figures;
  std::shared_ptr<std::atomic<std::size_t>> waiting = std::make_shared<std::atomic<std::size_t>>(0);
  serving_metrics metrics;

  void add(router_parts& to, std::vector<replica_place> replicas) {
    for (const replica_place& one : replicas) {
      names.push_back(one.name);
      shard_of.push_back(to.shards.size());
    }
    to.shards.push_back(std::move(replicas));
  }

  status add_store(router_parts& to, const std::filesystem::path& store) {
    const serving_options how{.store = store,
                              .searches = options.searches,
                              .arithmetic = options.arithmetic,
                              .waiting = options.waiting,
                              .deadline = options.deadline};
    ARGOSY_ASSIGN(auto opened, serving::start(how, *time));
    shards.push_back(actors->spawn(shard, shard_parts_of(*opened)));
    stores.push_back(std::move(opened));
    add(to, {replica_place{.name = store.string(), .here = shards.back(), .host = {}}});
    return {};
  }

  status add_shard(router_parts& to, const std::vector<std::string>& addresses) {
    std::vector<replica_place> replicas;
    for (const std::string& address : addresses) {
      ARGOSY_ASSIGN(const host_and_port at, parse_address(address));
      ARGOSY_ASSIGN(const std::uint16_t port, port_number(at));
      if (options.credentials.none()) {
        replicas.push_back({.name = address, .here = {}, .host = at.host, .port = port});
        continue;
      }
      ARGOSY_ASSIGN(auto tunnel, tls_tunnel::entrance(at, options.credentials));
      replicas.push_back({.name = address, .here = {}, .host = "127.0.0.1", .port = tunnel->port()});
      tunnels.push_back(std::move(tunnel));
    }
    add(to, std::move(replicas));
    return {};
  }

  status begin() {
    router_parts parts{.shards = {}, .middleman = actors->middleman().actor_handle(), .figures = {}, .clock = time};
    for (const auto& store : options.stores) ARGOSY_TRY(add_store(parts, store));
    for (const auto& addresses : options.shards) ARGOSY_TRY(add_shard(parts, addresses));
    figures = std::make_shared<std::vector<replica_figures>>(names.size());
    parts.figures = figures;
    router = actors->spawn(route, std::move(parts));
    return {};
  }
};

routing::routing(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
routing::~routing() = default;

result<std::unique_ptr<routing>> routing::start(const routing_options& options, const clock_source& clock) {
  return guarded([&]() -> result<std::unique_ptr<routing>> {
    std::unique_ptr<routing> made(new routing(std::make_unique<impl>(options, clock)));
    ARGOSY_TRY(made->impl_->begin());
    return made;
  });
}

void routing::ask(wire_request request, std::function<void(wire_reply)> tell) {
  const std::size_t queries = request.queries.size();
  const auto waiting = impl_->waiting;
  if (waiting->fetch_add(queries) + queries > impl_->options.waiting) {
    *waiting -= queries;
    const wire_answer busy{.code = wire_code::busy, .error = "too many queries wait already"};
    return tell({request.id, std::vector<wire_answer>(queries, busy)});
  }
  const auto patience =
      request.deadline_ms > 0 ? std::min(impl_->options.deadline, std::chrono::milliseconds(request.deadline_ms)) : impl_->options.deadline;
  const auto routed = std::make_shared<routed_request>();
  routed->asked = std::move(request);
  routed->deadline = impl_->time->now() + patience * 9 / 10;  // the rest is the reply's way
  routed->tell = [waiting, queries, tell = std::move(tell)](wire_reply reply) {
    *waiting -= queries;
    tell(std::move(reply));
  };
  caf::anon_send(impl_->router, route_atom_v, routed);
}

std::vector<routing::replica> routing::replicas() const {
  std::vector<replica> all;
  for (std::size_t i = 0; i < impl_->names.size(); ++i) {
    const replica_figures& of = (*impl_->figures)[i];
    all.push_back({impl_->names[i], impl_->shard_of[i], of.answers, of.asked, of.instead, of.failed});
  }
  return all;
}

bool routing::ready() const {
  const auto all = replicas();
  for (std::size_t shard = 0; shard <= impl_->shard_of.back(); ++shard) {
    if (std::none_of(all.begin(), all.end(), [&](const replica& one) { return one.shard == shard && one.answers; })) return false;
  }
  return true;
}

std::size_t routing::waiting() const noexcept { return *impl_->waiting; }
serving_metrics& routing::metrics() noexcept { return impl_->metrics; }
slow_queries routing::slow() const noexcept { return slow_queries(impl_->options.slow); }
const clock_source& routing::clock() const noexcept { return *impl_->time; }

}  // namespace argosy

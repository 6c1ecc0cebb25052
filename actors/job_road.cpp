#include "actors/job_road.hpp"

#include <unistd.h>

#include <caf/actor_system.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <set>

#include "actors/error.hpp"
#include "actors/job_greeting.hpp"
#include "actors/node_system.hpp"

namespace argosy {

status check_reach(const host_and_port& at, const node_credentials& with, const char* what) {
  if (is_loopback(at) || !with.none()) return {};
  return {errc::invalid_argument,
          std::string(what) + " " + at.host +
              ": an address that other machines reach needs a secret or certificates, which all nodes of the job have"};
}

std::string own_name() {
  char host[256] = "host";
  ::gethostname(host, sizeof host - 1);
  return std::string(host) + ":" + std::to_string(::getpid());
}

result<job_road> road_to(const std::string& address, const node_credentials& with) {
  ARGOSY_ASSIGN(const host_and_port far, parse_address(address));
  ARGOSY_TRY(check_reach(far, with, "--join"));
  if (with.none()) {
    ARGOSY_ASSIGN(const std::uint16_t port, port_number(far));
    return job_road{far.host, port, nullptr};
  }
  ARGOSY_ASSIGN(auto tunnel, tls_tunnel::entrance(far, with));
  const std::uint16_t port = tunnel->port();
  return job_road{"127.0.0.1", port, std::move(tunnel)};
}

result<caf::actor> connect(caf::actor_system& system, const job_road& to, std::chrono::milliseconds patience) {
  // Who is refused for what it holds hears no more than that the connection ended.
  const char* const perhaps =
      to.tunnel ? "none is there, or it has another secret or other certificates" : "none is there, or it wants a secret or certificates";
  result<caf::actor> found = status(errc::unavailable, std::string("no coordinator answers: ") + perhaps);
  caf::scoped_actor self(system);
  self->request(system.middleman().actor_handle(), patience, caf::connect_atom_v, to.host, to.port)
      .receive(
          [&](const caf::node_id&, const caf::strong_actor_ptr& at, const std::set<std::string>&) {
            if (at) found = caf::actor_cast<caf::actor>(at);
          },
          [&](const caf::error&) {});
  return found;
}

result<std::string> ask(caf::actor_system& system, const caf::actor& whom, const std::string& what, std::chrono::milliseconds patience) {
  result<std::string> answer = status(errc::unavailable, "the coordinator does not answer");
  caf::scoped_actor self(system);
  self->request(whom, patience, what)
      .receive([&](const std::string& text) { answer = text; }, [&](const caf::error& why) { answer = status_of(why); });
  return answer;
}

result<std::string> ask_standing(const std::string& coordinator, const node_credentials& with, std::chrono::milliseconds patience) {
  ARGOSY_ASSIGN(const job_road to, road_to(coordinator, with));
  return guarded([&]() -> result<std::string> {
    node_config config;
    caf::actor_system system(config);
    const auto at = connect(system, to, patience);
    if (!at.ok()) return at.failure().within(coordinator);
    auto text = ask(system, *at, greeting_of({caller_wish::status, own_name(), 0}), patience);
    if (!text.ok()) return text.failure().within(coordinator);
    if (text->find("\"refused\"") != std::string::npos) return read_welcome(*text).failure().within(coordinator);
    return text;
  });
}

}  // namespace argosy

// The way to the coordinator of a job: its port, or, with credentials, that of a tunnel of TLS to it (net/tls_tunnel.hpp).
// Threads  any; the caller's waits.
#pragma once

#include <caf/actor.hpp>
#include <caf/fwd.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "net/host_and_port.hpp"
#include "net/node_credentials.hpp"
#include "net/tls_tunnel.hpp"

namespace argosy {

struct job_road {
  std::string host;
  std::uint16_t port = 0;
  std::unique_ptr<tls_tunnel> tunnel;
};

// invalid_argument: no address, or one beyond this machine without credentials; what the tunnel says.
result<job_road> road_to(const std::string& coordinator, const node_credentials&);
// `what`: the option whose address it is. invalid_argument: one beyond this machine without credentials.
status check_reach(const host_and_port&, const node_credentials&, const char* what);

// unavailable: nobody is there.
result<caf::actor> connect(caf::actor_system&, const job_road&, std::chrono::milliseconds patience);
// The answer to a greeting (actors/job_greeting.hpp). unavailable: there was none.
result<std::string> ask(caf::actor_system&, const caf::actor& whom, const std::string& greeting, std::chrono::milliseconds patience);

// Host and process, for people.
std::string own_name();

// How the job stands, as JSON: docs/cluster.md.
result<std::string> ask_standing(const std::string& coordinator, const node_credentials&, std::chrono::milliseconds patience);

}  // namespace argosy

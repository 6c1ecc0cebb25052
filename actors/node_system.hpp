// What an actor system needs to speak with those of other processes: CAF's middleman. A peer of another build of these messages is refused
// when it connects. Ports are of this machine alone: what goes further goes through net/tls_tunnel.hpp.
#pragma once

#include <caf/actor_system_config.hpp>

#include "actors/messages.hpp"

namespace argosy {

struct node_config : actor_config {
  node_config();
};

}  // namespace argosy

#include "actors/node_system.hpp"

#include <caf/io/middleman.hpp>
#include <string>
#include <vector>

namespace argosy {
namespace {

constexpr const char* messages_version = "argosy-nodes-1";  // raise it with any change of what nodes tell each other

}  // namespace

node_config::node_config() {
  set("scheduler.max-threads", std::size_t{1});
  set("middleman.workers", std::size_t{0});
  set("middleman.app-identifiers", std::vector<std::string>{messages_version});
  load<caf::io::middleman>();
}

}  // namespace argosy

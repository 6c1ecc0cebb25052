// From where a server may be reached. Of this machine alone it needs nothing: 127.0.0.1, localhost, [::1], ipc://. From anywhere else HTTP needs
// keys and TLS, messages need CURVE, and nodes and shards TLS on both sides.
// Errors   invalid_argument: which options are missing, and the commands that make their files.
#pragma once

#include <string>
#include <vector>

#include "tools/commands.hpp"

namespace argosy {

status check_reach(const serve_options&);

// The addresses of a --shard, between its commas.
std::vector<std::string> replicas_in(const std::string& shard);

}  // namespace argosy

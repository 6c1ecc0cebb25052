// From where a server may be reached. Of this machine alone it needs nothing: 127.0.0.1, localhost, [::1], ipc://. From anywhere else HTTP needs
// keys and TLS, and messages need CURVE.
// Errors   invalid_argument: which options are missing, and the commands that make their files.
#pragma once

#include "tools/commands.hpp"

namespace argosy {

status check_reach(const serve_options&);

}  // namespace argosy

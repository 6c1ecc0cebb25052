// The command line of `argosy`: what is typed becomes one of the structs of commands.hpp, and the outcome an exit code.
//   0 done   1 failed   2 asked wrongly   130 interrupted; a failure is one line on standard error
#pragma once

#include <iosfwd>

#include "tools/console.hpp"

namespace argosy {

int run_command_line(int argc, const char* const* argv, const console_streams&);

}  // namespace argosy

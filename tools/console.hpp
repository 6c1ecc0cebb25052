// What a command talks to: results go to `out`, progress and failures to `err`.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <stop_token>

#include "base/clock.hpp"
#include "tools/progress.hpp"

namespace argosy {

struct console_streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  std::size_t err_columns = 0;  // 0: no terminal
};

struct console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  progress_line& progress;
  const clock_source& clock;
  std::stop_token stop;
};

}  // namespace argosy

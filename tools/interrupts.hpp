// Ctrl-C and SIGTERM for commands that write: the first asks to stop, the second ends the program at once, as if nobody had caught it.
// Made before any other thread starts: it blocks both signals, and threads inherit that, so that only its own thread takes them.
// A signal that the parent had set to be ignored stays ignored.
#pragma once

#include <csignal>
#include <stop_token>
#include <thread>

#include "base/status.hpp"

namespace argosy {

class interrupts {
public:
  interrupts();
  ~interrupts();
  interrupts(const interrupts&) = delete;
  interrupts& operator=(const interrupts&) = delete;
  std::stop_token token() const noexcept { return source_.get_token(); }

private:
  void listen();

  std::stop_source source_;
  sigset_t before_{};
  int signals_ = -1, wake_ = -1;
  std::thread listener_;
};

// Returns once it is asked for.
void wait_for_stop(const std::stop_token&);

// The failure of whoever was asked to stop.
status interrupted(std::string_view what_is_left);

}  // namespace argosy

// Load on a server, and what it costs those who ask.
//   open loop    requests arrive at random moments (a Poisson process), whether those before are answered or not; a request's time runs from
//                the moment it was due, so that a server that stalls is not asked less meanwhile (coordinated omission; Gil Tene, "How NOT to
//                measure latency")
//   closed loop  `ahead` requests are always unanswered: as many as the server answers
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <vector>

#include "base/clock.hpp"
#include "base/status.hpp"

namespace argosy {

struct load_answer {
  std::uint64_t number = 0;  // of the request
  bool ok = true;
};

// Whom requests are put to.
class load_target {
public:
  virtual ~load_target() = default;
  virtual status ask(std::uint64_t number) = 0;
  // Appends what was answered; does not wait.
  virtual status take(std::vector<load_answer>&) = 0;
  // Nothing is due for so long.
  virtual void rest(std::chrono::nanoseconds) = 0;
};

struct load_options {
  double rate = 0;  // requests a second; 0: a closed loop
  std::uint64_t ahead = 256;
  double warm_up_s = 1, seconds = 10, patience_s = 5;  // patience: for what is unanswered at the end
  std::uint64_t seed = 1;
};

struct load_figures {
  std::uint64_t offered = 0, answered = 0;  // due, and answered well, within the measured seconds
  std::uint64_t errors = 0;                 // of those due within them: refused, failed, or not answered at all
  double offered_per_s = 0, answered_per_s = 0;
  double p50_ms = 0, p99_ms = 0, p999_ms = 0, longest_ms = 0;  // of those due within them and answered well
};

// aborted when stopped; what the target says.
result<load_figures> put_load(load_target&, const load_options&, const clock_source&, const std::stop_token&);

}  // namespace argosy

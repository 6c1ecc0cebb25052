// Whether a ledger holds together, and what it adds up to: steps one after the other, from where each group begins, none of them behind the last
// checkpoint.   Threads  any.
#pragma once

#include <cstdint>

#include "actors/job_ledger.hpp"

namespace argosy {

struct ledger_audit {
  explicit ledger_audit(std::uint64_t job) : past(job) {}
  job_past past;  // `committed` steps are trained, each once
  std::uint64_t groups = 0, checkpoints = 0;
  std::uint64_t taken_back = 0;         // steps, which were done once more
  std::uint64_t told_by_some = 0;       // steps that not all of their ranks could report
  bool ended = false, stopped = false;  // with the checkpoint of all steps; before
};

// corrupt: what contradicts what.
result<ledger_audit> audit(const ledger_content&);

}  // namespace argosy

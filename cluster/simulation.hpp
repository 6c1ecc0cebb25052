// A training job on a simulated network, clock and disk, driven by one seed: the coordinator's and the nodes' own state classes (actors/job_book,
// actors/job_member), with an engine whose replica is the list of steps it was trained on.
//   faults      messages lost, late, double and out of order; nodes and coordinators that are killed and come back, freeze, slow down; links cut;
//               disks that are full; ledgers that lose their end. For a while: then all of it ends, and the job must too
//   invariants  of all ranks of a group the same replica before and after each step; the ledger is what the replicas were trained on, each step
//               once; no group begins behind the last checkpoint that the ledger knows of; the job ends within its time
// The same seed gives the same log, byte for byte.   Threads  one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/status.hpp"

namespace argosy {

struct simulated_job {
  int nodes = 4;
  std::uint64_t steps = 200, save_every = 25;
  double step_s = .08;
  double fault_s = 60;  // of simulated time, with faults
  bool quiet = false;   // without faults
};

struct simulation_figures {
  double seconds = 0;  // simulated
  std::uint64_t groups = 0, trained = 0, taken_back = 0, kills = 0, coordinators = 0, messages = 0, lost = 0, checkpoints = 0;
  std::uint64_t digest = 0;  // of the log
};

// internal: the invariant that does not hold, when, and of whom. `log`: each line of what happens; may be empty.
result<simulation_figures> simulate(std::uint64_t seed, const simulated_job&, const std::function<void(const std::string&)>& log = {});

}  // namespace argosy

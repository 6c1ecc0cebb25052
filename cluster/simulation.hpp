// A training job on a simulated network, clock and disks, driven by one seed: the coordinator's and the nodes' own state classes (actors/job_book,
// actors/job_member) and the ledger's own bytes, with an engine whose replica is the list of steps it was trained on and whose bank is the list of
// steps that were pushed.
//   faults      messages lost, late, double and out of order; nodes and coordinators that are killed or lose their power and come back, freeze,
//               slow down; links cut; disks that are full, and that lose or tear what was not synced; coordinators started beside one that
//               lives. For a while: then all of it ends, and the job must too
//   invariants  of all ranks of a group the same replica before and after each step, and with shards of the moments each shard too; no bank has products of a step that its replica was not
//               trained on; the ledger is what the replicas were trained on, each step once, its terms rise; no group begins behind the last
//               checkpoint that the ledger knows of, which its disk keeps, and none begins from one that is not whole; one coordinator acts at
//               a time, and no node acts on an order of a term that another has followed; the job ends within its time
// The same seed gives the same log, byte for byte.   Threads  one.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.hpp"
#include "cluster/simulated_world.hpp"

namespace argosy {

struct simulated_job {
  int nodes = 4;
  std::uint64_t steps = 200, save_every = 25;
  double step_s = .08;
  double fault_s = 60;  // of simulated time, with faults
  bool quiet = false;   // without faults
  bool shard_moments = false;
  // The ledger's lock holds. Where it does not, coordinators that act at once write over each other: the job may then end in a ledger that is refused,
  // or not at all; that nodes follow the latest term, and that the replicas of a group are the same, holds all the same.
  bool locks = true;
};

struct simulation_figures {
  double seconds = 0;  // simulated
  std::uint64_t groups = 0, trained = 0, taken_back = 0, kills = 0, power_losses = 0, coordinators = 0, refused = 0, messages = 0, lost = 0,
                checkpoints = 0, restored = 0, torn = 0;
  std::uint64_t digest = 0;  // of the log
};

// internal: the invariant that does not hold, when, and of whom.
result<simulation_figures> simulate(std::uint64_t seed, const simulated_job&, const simulation_log& log = {});

}  // namespace argosy

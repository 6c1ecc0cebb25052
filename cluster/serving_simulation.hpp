// A router and the replicas of a catalogue's shards on a simulated network and clock, driven by one seed: the router's own decisions
// (actors/fan_out) and its merge (search/shard_merge), with shards whose answers are known beforehand.
//   faults      replicas that are killed or lose their power and come back, freeze, are slow or busy; links cut; messages late, lost, double and out
//               of order; generations that each replica switches to when it has them
//   invariants  each query is told once, by its deadline and one look of the router's; what is told is right: of each shard all of its hits
//               of one generation that a replica of it had, or none, and it says how many answered; a query is whole when of each shard a
//               replica was well from a second before it until its end, and nothing that was said about it was lost
// The same seed gives the same log, byte for byte.   Threads  one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.hpp"
#include "cluster/simulated_world.hpp"

namespace argosy {

struct simulated_service {
  std::size_t shards = 3, replicas = 2;  // of each
  double fault_s = 30, calm_s = 5;       // of simulated time, with faults and after them
  double query_s = .03;                  // from one to the next
};

struct service_figures {
  double seconds = 0;  // simulated
  std::uint64_t queries = 0, whole = 0, partial = 0, refused = 0, had_to_be_whole = 0, instead = 0, kills = 0, switches = 0;
  std::uint64_t digest = 0;  // of the log
};

// internal: the invariant that does not hold, when, and of whom.
result<service_figures> simulate_serving(std::uint64_t seed, const simulated_service&, const simulation_log& log = {});

}  // namespace argosy

// A node's worker: the replica of one process of a job, whose group, and so rank, changes (actors/job_member.hpp says when).
//   gather  (group, rank, size)  -> gathered        opens the device at first; listens for the others; the batches of that rank
//   meet    (node_order)         -> job_mark        meets them, and has the state of the group's source
//   step    (step_plan)          -> step_done       as a worker's
//   keep    (steps done)         -> checkpoint_ptr  at rank 0 the replica with the banks of all ranks, null at others
// Refusals   after a failure everything is answered by that failure, until it gathers for another group.
// Ordering   strictly as sent.
// Blocking   in kernels, in meeting, in the collective: spawn it detached. The group_switch cuts it out.
// Failure    aborted where its group was cut: its state is what it was. Anything else: it has no state, and has to be fed.
#pragma once

#include <caf/fwd.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "actors/actor_board.hpp"
#include "actors/batch_queue.hpp"
#include "actors/group_switch.hpp"
#include "actors/loader.hpp"
#include "actors/memory_bank_actor.hpp"
#include "actors/worker_core.hpp"
#include "net/gloo_group.hpp"

namespace argosy {

// Local.
struct gathered {
  std::string address;
  std::optional<job_mark> state;  // of the replica
  sharding held;
  std::optional<job_mark> checkpoint;  // the newest one on this node's disk
};
struct meet_order {
  node_order order;
};

using node_worker_actor =
    caf::typed_actor<caf::replies_to<gather_atom, std::uint64_t, int, int>::with<gathered>,
                     caf::replies_to<meet_atom, meet_order>::with<job_mark>, caf::replies_to<step_atom, step_plan>::with<step_done>,
                     caf::replies_to<keep_atom, std::uint64_t>::with<checkpoint_ptr>>;

struct node_worker_parts {
  std::shared_ptr<node_engine> engine;
  std::function<batch_queue::maker(int rank, int size)> batches;
  std::uint64_t of = 0;
  std::function<result<checkpoint_state>(const job_mark&)> read_checkpoint;  // of this node's disk
  std::function<std::optional<job_mark>()> newest_checkpoint;
  gloo_place place;  // rank and size come with the group
  std::shared_ptr<group_switch> cut;
  actor_gauge *own = nullptr, *of_loader = nullptr, *of_bank = nullptr;  // not null; outlive the worker
  const clock_source* clock = nullptr;                                   // outlives the worker
  caf::timespan patience = std::chrono::minutes(30);
  std::chrono::milliseconds meeting = std::chrono::seconds(30);
};

struct node_worker_state {
  static constexpr const char* name = "node-worker";
  node_worker_parts parts;
  std::unique_ptr<worker_core> core;
  loader_actor batches;
  memory_bank_actor bank;
  caf::timespan patience{};
  bool open = false;
  std::optional<gloo_member> waiting;
};

node_worker_actor::behavior_type node_worker(node_worker_actor::stateful_pointer<node_worker_state>, node_worker_parts);

}  // namespace argosy

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(argosy::gathered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(argosy::meet_order)

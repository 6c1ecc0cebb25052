// A node of a job: speaks with the coordinator for the worker of this process. State: job_member.
//   order  (node_order)   of the coordinator
//   look   ()             every `pause`: news that are due; who is not connected connects
//   stop   ()             leaves the job
//   run    ()  -> steps   that it has done: at the end of the job, or once it has left it
// It is not typed, as the coordinator is not.
// Ordering   the worker gets its tasks in their order; what cuts it out of a group goes round its mailbox.
// Failure    without a coordinator it holds what it has, and looks for one until there is one. A worker that is down, or a coordinator that
//            refuses it, is the answer to `run`.
#pragma once

#include <caf/event_based_actor.hpp>
#include <caf/io/middleman_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <memory>
#include <optional>
#include <string>

#include "actors/actor_board.hpp"
#include "actors/checkpointer.hpp"
#include "actors/job_member.hpp"
#include "actors/node_worker.hpp"
#include "actors/serving_messages.hpp"

namespace argosy {

struct job_node_parts {
  std::shared_ptr<job_member> member;
  node_worker_actor worker;
  checkpointer_actor checkpoints;
  std::shared_ptr<group_switch> cut;
  std::function<step_plan(std::uint64_t)> plan;
  caf::actor coordinator;  // connected
  caf::io::middleman_actor middleman;
  std::string host;
  std::uint16_t port = 0;
  std::string greeting;
  std::uint64_t job = 0;
  std::function<void(const std::string&)> remark;
  std::shared_ptr<actor_board> board;                // what it tells the coordinator of this process's actors
  actor_gauge *own = nullptr, *of_worker = nullptr;  // on the board
  const clock_source* clock = nullptr;               // outlives the node
  caf::timespan pause = std::chrono::milliseconds(20);
};

struct job_node_state {
  static constexpr const char* name = "job-node";
  job_node_parts parts;
  bool connecting = false;
  steady_time tried{}, heard{};  // of a coordinator
  caf::typed_response_promise<std::uint64_t> promise;
  bool running = false, over = false;
  status failure;
};

caf::behavior job_node(caf::stateful_actor<job_node_state>*, job_node_parts);

}  // namespace argosy

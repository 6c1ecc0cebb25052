// Coordinator of a job of many nodes. State: job_book; what it decides is in the ledger before any node hears of it.
//   (text)                 -> text   a greeting (job_greeting.hpp): the job's facts; or how the job stands, as JSON
//   news  (node_news)                of a node, whose orders come to where the news came from
//   look  ()                         every `pause`: who is silent, what is late
//   stop  ()                         no further steps; a checkpoint; the end
//   run   ()               -> training_end   once
// It is not typed, because peers of other versions have to be told that they are.
// Refusals   a greeting of another version, of other data.
// Ordering   of each node's news by their numbers.
// Blocking   never, but for the ledger and the sink, which are called in the handlers.
// Failure    a ledger that cannot be written stops all orders until it can. A failure of the sink is logged, once.
#pragma once

#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/timespan.hpp>
#include <caf/typed_response_promise.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "actors/coordinator.hpp"
#include "actors/job_book.hpp"
#include "actors/job_ledger.hpp"
#include "actors/messages.hpp"
#include "actors/serving_messages.hpp"

namespace argosy {

struct job_coordinator_parts {
  job_settings settings;
  std::shared_ptr<job_ledger> ledger;
  std::shared_ptr<job_book> book;
  progress_sink sink;
  std::function<void(const std::string&)> remark;
  const clock_source* clock = nullptr;  // outlives the coordinator
  caf::timespan pause = std::chrono::milliseconds(20);
  std::chrono::milliseconds farewell{3000};  // that nodes have to hear of the end
};

struct job_coordinator_state {
  static constexpr const char* name = "job-coordinator";
  job_coordinator_parts parts;
  std::map<node_id, caf::actor> nodes;
  std::vector<job_entry> unwritten;
  std::string refused_by_disk, refused_by_sink;  // told once
  caf::typed_response_promise<training_end> promise;
  bool running = false, told = false;
  steady_time began{}, ended_at{};
  std::uint64_t pairs = 0, first_step = 0;
  double last_loss = 0, pairs_per_s = 0;
};

caf::behavior job_coordinator(caf::stateful_actor<job_coordinator_state>*, job_coordinator_parts);

}  // namespace argosy

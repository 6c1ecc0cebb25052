// Coordinator: gives all workers the same orders, gathers their reports, has checkpoints written and measured, ends the
// run. State: run_book.
//   run   ()  -> training_end   starts; answered once, when the run has ended
//   stop  ()  -> -              no further steps; a checkpoint after those in flight, then the end
// Refusals   a second `run`.
// Ordering   orders go to every worker in the same order; steps are reported to the sink in theirs.
// Blocking   never, but for the sink, which is called in the handler: it must be quick. It holds no tensor.
// Failure    the first failure of a worker, of a checkpoint, of its evaluation or of the sink ends the run, and so do a worker that is down or that does not
//            answer within `patience` (an evaluation may take as long as it takes): the group is cut, answers still out are waited for, then `run` is answered with the cause.
//            No checkpoint is made then: the last one stays. A worker that hangs keeps its thread, for which run_system, and so the
//            process, goes on waiting.
#pragma once

#include <caf/fwd.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "actors/checkpointer.hpp"
#include "actors/evaluator.hpp"
#include "actors/messages.hpp"
#include "actors/run_book.hpp"
#include "actors/worker.hpp"

namespace argosy {

using coordinator_actor = caf::typed_actor<caf::replies_to<run_atom>::with<training_end>, caf::reacts_to<stop_atom>>;
using progress_sink = std::function<status(const training_progress&)>;

struct coordinator_parts {
  run_settings settings;
  std::vector<worker_actor> workers;  // by rank
  checkpointer_actor checkpoints;
  evaluator_actor evaluations;       // none: checkpoints are not measured
  std::stop_source stop_evaluating;  // cuts an evaluation short, when the run is stopped or fails
  progress_sink sink;
  std::shared_ptr<abort_handle> group;
  const clock_source* clock = nullptr;  // outlives the coordinator
  caf::timespan patience{};
};

struct coordinator_state {
  static constexpr const char* name = "coordinator";
  std::unique_ptr<run_book> book;
  coordinator_parts parts;
  caf::typed_response_promise<training_end> promise;
  bool running = false, ended = false;
  int joined = 0;
  std::vector<int> unanswered;  // by rank
  int owed = 0;                 // answers of the checkpointer and the evaluator that are out
};

coordinator_actor::behavior_type coordinator(coordinator_actor::stateful_pointer<coordinator_state>, coordinator_parts);

}  // namespace argosy

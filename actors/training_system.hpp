// The actors of a run, started, joined together and ended: what run_training does once it knows where to start, and what tests run with
// engines and writers of their own.
#pragma once

#include <caf/timespan.hpp>
#include <functional>
#include <memory>
#include <stop_token>

#include "actors/batch_queue.hpp"
#include "actors/checkpointer.hpp"
#include "actors/coordinator.hpp"
#include "actors/evaluator.hpp"
#include "actors/run_book.hpp"
#include "actors/training_engine.hpp"

namespace argosy {

struct training_system {
  run_settings settings;
  std::function<std::shared_ptr<training_engine>(std::unique_ptr<collective>)> engine;
  std::function<batch_queue::maker(int rank)> batches;
  checkpoint_writer write;
  checkpoint_measurer measure = nullptr;  // none: no evaluator
  progress_sink sink;
  std::size_t batches_ahead = 2;
  // How long a worker may be silent. A step of the largest recipe on a slow machine takes minutes.
  caf::timespan patience = std::chrono::minutes(30);
};

// Returns when every actor has ended. A worker or loader that hangs cannot be ended: after `patience` the coordinator answers with the
// cause, but this function goes on waiting for the thread that hangs.
result<training_end> run_system(const training_system&, const clock_source&, const std::stop_token&);

}  // namespace argosy

// Training as an actor system in one process: a coordinator, W workers with a memory bank each, a loader a worker, a checkpointer,
// and an evaluator when there are judged queries.
// run_training starts them, waits for the end, and returns how it ended.
// Failure    a worker that throws or dies ends the run with its reason; the last checkpoint is usable.
// Stop       `stop` ends the run after the steps in flight, with a checkpoint; the result says interrupted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>

#include "actors/evaluation.hpp"
#include "actors/train_step.hpp"
#include "base/status.hpp"
#include "data/prepared.hpp"
#include "model/recipe.hpp"

namespace argosy {

struct training_job {
  std::shared_ptr<const prepared_data> data;
  argosy::recipe recipe;
  std::filesystem::path run;
  bool resume = false;
  std::filesystem::path initial = {};                                        // initial weights for a run that begins; empty: none
  std::shared_ptr<const judgements> judged = nullptr;                        // recall is measured with every checkpoint; null: it is not
  std::function<void(std::span<const evaluated_part>)> evaluated = nullptr;  // called by whoever measures, on its thread; may be empty
};

// One global step, all ranks together, as it goes to RUN/metrics.jsonl and to the screen.
struct training_progress {
  step_report report;  // sums and means over ranks
  std::uint64_t of = 0;
  double pairs_per_s = 0, tokens_per_s = 0, seconds_left = 0;
  double idle_s = 0, data_wait_s = 0, step_s = 0;
};

struct training_end {
  std::uint64_t steps_done = 0, of = 0;
  bool interrupted = false, saved = true;  // saved: a checkpoint has all steps that were done
  double seconds = 0, last_loss = 0, pairs_per_s = 0;
};

// The callback gets the steps in their order, one call at a time, on the thread of the actors' scheduler that runs the coordinator: while
// it works, no order is given, so it must be quick.
result<training_end> run_training(const training_job&, const std::function<void(const training_progress&)>&, const std::stop_token&);

}  // namespace argosy

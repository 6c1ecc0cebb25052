// The validation of a run: with the weights of a checkpoint, every product of the run's data is embedded and every judged query searched
// among all of them, exactly.
//   RUN/evaluation.jsonl   a line an evaluation
//   RUN/outcomes.json      what each query got in the newest one; FORMATS.md lists the keys of both
// Cost      that of embedding the products, on a device of its own: training goes on beside it, slower.
// Threads   one at a time.
#pragma once

#include <memory>
#include <set>
#include <stop_token>

#include "actors/evaluation.hpp"
#include "actors/step_log.hpp"
#include "data/prepared.hpp"
#include "model/checkpoint.hpp"

namespace argosy {

struct validation_job {
  std::shared_ptr<const prepared_data> data;
  std::shared_ptr<const judgements> judged;
  std::filesystem::path run;
  int threads = 1;
  std::function<void(std::span<const evaluated_part>)> show = nullptr;  // called by measure, on its thread; may be empty
};

class validation {
public:
  // `facts` are those of the run as it begins or goes on: evaluations of later steps are dropped from evaluation.jsonl.
  // invalid_argument when no judged query names a product of the data, and when evaluation.jsonl has figures of other judgements.
  static result<validation> open(validation_job, const checkpoint_facts& facts);
  // Whether that checkpoint was measured before.
  bool has_measured(std::uint64_t steps_done) const { return measured_.contains(steps_done); }
  // Stopped by `stop` it writes nothing and returns aborted.
  status measure(const checkpoint_state&, const std::stop_token& stop);

private:
  struct asked_query {
    std::size_t query;  // of the judgements
    std::vector<std::int32_t> tokens;
  };
  validation(validation_job, step_log, judged_rows, std::vector<asked_query>, std::set<std::uint64_t> measured);
  status search(const checkpoint_state&, const std::stop_token&);
  status write(const checkpoint_facts&);

  validation_job job_;
  step_log log_;
  judged_rows rows_;
  std::vector<asked_query> asked_;
  std::set<std::uint64_t> measured_;
};

}  // namespace argosy

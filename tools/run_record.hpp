// What a finished training run says of itself, read from its folder:
//   metrics.jsonl      a line a step: what the batch cost and held (schema/FORMATS.md)
//   evaluation.jsonl   a line an evaluation: {"step": 570, "products": 38663, "all": {"queries": 717, "recall@10": 0.9, ...}, ...};
//                      its step is the number of steps done
//   outcomes.json      each query at the newest evaluation: {"step": 2280, "queries": [{"query": "red dress", "needs_image": true,
//                      "first": 3, "precision@10": 0.4}, ...]}; first: rank of the first relevant product from 1, null when none was found
// Other keys are passed over. A file that is missing, empty or broken is refused by name and line, and so are files of one folder that
// disagree about the newest evaluation.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/status.hpp"

namespace argosy {

struct run_step {
  std::uint64_t step = 0, pairs = 0;
  double loss_qpm = 0, negatives_product = 0, negatives_bank = 0;  // NaN where the file has null
  double seconds = 0;                                              // with the wait for data
};

struct run_evaluation {
  std::uint64_t step = 0, products = 0, queries = 0;
  double recall_10 = 0;  // over all queries
};

struct query_outcome {
  std::string query;
  bool needs_image = false;  // also where nobody says
  std::optional<std::uint64_t> first;
  double precision_10 = 0;
};

struct run_record {
  std::filesystem::path folder;
  std::vector<run_step> steps;              // at least one, steps rising
  std::vector<run_evaluation> evaluations;  // at least one, steps rising
  std::vector<query_outcome> outcomes;      // at least one, in the order of the query file
};

result<run_record> read_run(const std::filesystem::path& folder);

}  // namespace argosy

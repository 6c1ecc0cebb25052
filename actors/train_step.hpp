// One step of training on one rank, with the exchange between ranks in its place: the synchronous heart of a worker, without CAF.
// Every rank calls it with the same plan. Products are gathered, with gradient, when the plan's phase crosses devices.
// Source  arXiv 2304.04377, section 2.2; method.md, section 4.
// Errors  of the replica and of the collective (aborted); out_of_range, on all ranks, when the loss or the gradients are not finite. The host
//         knows that only after the update, which gradients that are not finite leave undone (kernels/adamw.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "actors/gradient_exchange.hpp"
#include "actors/shard_exchange.hpp"
#include "base/clock.hpp"
#include "model/replica.hpp"
#include "net/collective.hpp"

namespace argosy {

// Means over all ranks where a mean is meant; times and counts of this rank.
struct step_report {
  std::uint64_t step = 0;
  argosy::phase phase = phase::in_batch;
  double loss = 0;                             // of all tasks, weighted
  std::array<double, task_count> task_loss{};  // each by itself; NaN: off
  double rate = 0, gradient_norm = 0, scale = 0;
  std::uint64_t candidates_product = 0, candidates_bank = 0;        // rows that a query is compared with, its own too, before masking
  double negatives_product = 0, negatives_bank = 0;                 // per query, after masking
  double hardness_product = 0, hardness_bank = 0;                   // mean softmax mass of each source
  double gate_image = 0;                                            // mean weight of the image
  std::uint64_t pairs = 0, tokens = 0;                              // of this rank; packed rows of all three encoders
  double forward_s = 0, match_s = 0, backward_s = 0, update_s = 0;  // computing
  // Of the exchange: products gathered and their gradients scattered, and weights read that others updated; gradients summed; and what it
  // takes to meet: before each of these all ranks exchange a number, and before and after the step a few, so this is the wait for slower ranks and the latency of those rounds.
  double gather_s = 0, reduce_s = 0, wait_s = 0;
  double overlap_s = 0;  // in which gradients were summed while backward went on: no part of the others
  double exchange_s() const noexcept { return gather_s + reduce_s + wait_s; }
};

// What belongs into the bank after the step: the columns the step was trained against, as they were then; those of all ranks with
// negatives.shared_bank.
struct step_result {
  step_report report;
  product_columns pushed;  // valid until the next step of this rank
  status group = {};  // why the losses of all ranks could not be added up, or the weights that others updated not be read: the step is done
                      // all the same, by this rank's shards, and its loss is not known
};

class step_runner {
public:
  // All outlive the runner.
  step_runner(replica&, collective&, const recipe&, const clock_source&);
  result<step_result> run(const batch&, const step_plan&, const bank_view&);

private:
  class stopwatch;
  // Rows of every rank, and what lies where among the columns of the step.
  struct layout {
    std::vector<std::int64_t> rows_of;
    bool alone = true, gathers = false, fills_shared_bank = false;
    std::int64_t first_own = 0;
  };
  result<layout> lay_out(std::int64_t rows, phase);
  status meet();
  result<task_sums> count(const batch&, const step_plan&);
  status gather(const product_columns& own, std::span<const std::int64_t> rows_of);
  result<const_view> own_gradient(const layout&);
  status sum_over_ranks(step_sums&);
  status backward(const batch&, const_view d_product);
  void fill_means(step_report&, const step_sums&, const task_sums& counts) const;

  replica* replica_;
  collective* group_;
  const recipe* recipe_;
  const clock_source* clock_;
  std::optional<gradient_exchange> gradients_;  // among several ranks
  std::optional<weight_exchange> weights_;      // ... that hold shards of the moments
  tensor gathered_, gathered_log_p_, d_own_;
  std::vector<std::int64_t> gathered_product_;
};

}  // namespace argosy

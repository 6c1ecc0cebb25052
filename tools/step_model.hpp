// What a step of training takes on machines that are not there: time by part, memory by kind, from the recipe's sizes and a few numbers of the
// hardware. No I/O; `argosy plan` prints it, tests/bench/cluster/scaling.py holds it against measured steps.
// Letters   n ranks on m machines, b bytes, B pairs of a rank, M = n B columns after the switch, P projection.
// Compute   flops of the products / rate + bytes of the optimiser's passes / memory rate. Both are counted from the recipe, the loss's products
//           over M columns and the bank; tests/bench/gpu_budget.py counts them kernel by kernel.
// Ring      what NCCL does with much data (Patarasuk, Yuan: Bandwidth optimal all-reduce algorithms, 2009): all_gather and reduce_scatter
//           n - 1 hops and b (n-1)/n bytes a rank, all_reduce both. With m > 1, m of the hops are between machines, and bytes go at that speed.
// Direct    net/gloo_group.hpp: every operation begins with a round of proposals, and then each part goes straight to who needs it, so
//           all_gather and reduce_scatter are 2 rounds and b (n-1)/n bytes, all_reduce 3 rounds and twice as many; up to 16 KiB 2 rounds.
//           Its processes share the cores of a machine: with more threads than cores, compute and exchange take as many times longer; and
//           compute `crowded` times longer once all cores are busy, for they share the memory's bandwidth and the power (in between: linear).
// Wait      the rounds before each part of the exchange (actors/train_step.hpp), and the slowest of n ranks whose times vary by `spread`:
//           compute * spread * E[maximum of n standard normal numbers].
// Not in it  launches, data, what the network's other users do, the check-pointing, activations that a kernel needs for a moment.
#pragma once

#include <cstdint>

#include "base/status.hpp"
#include "model/recipe.hpp"
#include "model/retrieval_model.hpp"

namespace argosy {

// Of messages; bytes that a rank sends while it receives as many. In a ring between machines: what a machine sends over all its adapters, since
// NCCL lays a ring through each.
struct link_speed {
  double latency_s = 0, bytes_per_s = 0;
};

enum class exchange_algorithm : std::uint8_t { ring, direct };

struct hardware {
  double product_flops = 0;  // a second, reached by the encoders' products
  double loss_flops = 0;     // by those of the losses, which are float32
  double memory_bytes = 0;   // a second, of the optimiser's passes
  double row_bytes = 4;      // of a number of an activation; 2: bfloat16, with a copy of the weights
  double spread = 0;         // of the ranks' compute: standard deviation / mean
  double overlap = 0;        // share of the gradients' reduction that backward hides
  exchange_algorithm algorithm = exchange_algorithm::ring;
  link_speed within = {}, between = {};  // of ranks of one machine, of ranks of several
  std::uint64_t per_machine = 8;
  double cores = 0, threads = 1;  // of a machine, of a rank; 0: every rank has its own
  double crowded = 1;             // compute with all cores busy, to that of one rank alone
};

// Mean rows, and mean squares of the rows, of a sequence: pieces, or [CLS] and patches.
struct sequence_rows {
  double mean = 0, square = 0;
};

// What the data says. Defaults: the fashion catalogue's.
struct data_shape {
  model_inputs inputs{.vocabulary = 21128};
  sequence_rows query{5.9, 38}, title{7.2, 57}, image{17, 289};
};

struct job_size {
  std::uint64_t ranks = 1, pairs_per_rank = 1024;
};

struct step_time {
  double compute_s = 0, gather_s = 0, reduce_s = 0, wait_s = 0;
  double total_s() const noexcept { return compute_s + gather_s + reduce_s + wait_s; }
};

// Bytes of a rank.
struct rank_memory {
  double weights = 0, gradients = 0, moments = 0, activations = 0, bank = 0, gathered = 0, loss_tiles = 0;
  double total() const noexcept { return weights + gradients + moments + activations + bank + gathered + loss_tiles; }
};

struct negatives_of_query {
  double in_batch = 0, cross_device = 0, bank = 0;  // before masking
};

struct step_work {
  double product_flops = 0, loss_flops = 0;
  double optimiser_bytes = 0;
  double parameters = 0;
  double flops() const noexcept { return product_flops + loss_flops; }
};

struct step_forecast {
  step_work work = {};                // of a rank
  step_time own = {}, crossing = {};  // before the switch to all ranks' products, and after
  double share_crossing = 0;          // of all steps
  double pairs_per_s = 0;             // of all ranks, over all steps
  double efficiency = 0;              // pairs/s of a rank, to those of one rank alone
  negatives_of_query negatives = {};  // after the switch
  rank_memory memory = {};
  double mean_step_s() const noexcept { return own.total_s() * (1 - share_crossing) + crossing.total_s() * share_crossing; }
};

// invalid_argument names what of the hardware or the size cannot be.
result<step_forecast> forecast(const recipe&, const data_shape&, const job_size&, const hardware&);

step_work work_of(const recipe&, const data_shape&, const job_size&, bool crossing);
// Of `bytes`: what a rank has before or after.
double gather_s(const hardware&, std::uint64_t ranks, double bytes) noexcept;  // reduce_scatter the same
double reduce_s(const hardware&, std::uint64_t ranks, double bytes) noexcept;
double meeting_s(const hardware&, std::uint64_t ranks) noexcept;
// Of n standard normal numbers.
double expected_maximum(std::uint64_t n) noexcept;

}  // namespace argosy

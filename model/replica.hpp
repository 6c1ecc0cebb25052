// A worker's copy of the model, and the parts of one step of its training. What lies between them, the exchange with other ranks, is the
// worker's (actors/train_step.hpp):
//     count -> [sum counts over ranks] -> forward -> [gather products] -> match -> [reduce-scatter their gradient] -> backward
//           -> [sum gradients over ranks] -> update -> outcome -> [sum losses over ranks] -> [push to the bank]
// What a step adds up, its losses and the norm of its gradients, stays on the device until outcome, which alone waits for it; but the host
// reads the hard negatives of tasks.classification in match, and the cosines of patches with tasks.same_patch < 1.
// Each loss is a sum over its count on all ranks and gradients are summed, so W workers equal one worker on the same global batch
// (method.md, section 8, oracle 4); but the softmax of masked patches runs over the patches of the worker's own batch.
// One masked pass serves all tasks; with tasks.clean_matching, matching has a pass of its own (ours).
// With train.micro_batch, forward embeds parts of the batch one after the other and keeps their embeddings alone; backward passes each part
// once more: Gao et al., arXiv:2101.06983 (gradient caching). Draws are keyed by pair, so both passes are the same. The softmax of masked
// patches then runs over the patches of a part.
// Source    arXiv 2304.04377, section 2.2; method.md, sections 3 to 5.
// Threads   one.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "data/batch.hpp"
#include "model/memory_bank.hpp"
#include "model/retrieval_model.hpp"
#include "model/schedule.hpp"

namespace argosy {

// Products as negatives and positives: of this rank, or of all ranks in their order.
struct product_columns {
  const_view embedding;                   // (M, P)
  std::span<const std::int64_t> product;  // (M)
  const_view log_p;                       // (1, M)
};

enum class task : std::uint8_t { matching, keywords, query_words, title_words, patches, patch_regression, classification };
inline constexpr std::size_t task_count = 7;
std::string_view name_of(task) noexcept;  // "qpm", "keyword", "mlm_query", ...
// Its weight in the loss; 0: off.
double weight_of(task, const recipe&) noexcept;

// By task: what its loss is a mean over, or the sum of its losses.
struct task_sums {
  std::array<double, task_count> of{};
  double& operator[](task t) noexcept { return of[static_cast<std::size_t>(t)]; }
  double operator[](task t) const noexcept { return of[static_cast<std::size_t>(t)]; }
};

// Of one rank's part of a step.
struct step_sums {
  task_sums loss;
  double negatives_product = 0, negatives_bank = 0;  // over the pairs' queries, after masking
  double share_product = 0, share_bank = 0;          // of their softmax mass of each source: hardness
  double gate_image = 0;                             // over products, the image's weight
};

struct update_report {
  double gradient_norm = 0;  // of all gradients, before clipping; not finite: the update changed nothing
  double scale = 0;          // after the update
};

struct step_outcome {
  step_sums sums;
  update_report update;
};

class replica {
public:
  // `dev` outlives the replica. With train.shard_moments it has no moments yet.
  static result<replica> make(device& dev, const recipe&, const model_inputs&);
  replica(replica&&) noexcept;
  replica& operator=(replica&&) noexcept;
  ~replica();

  // How much of each task this batch holds. Draws its masks.
  task_sums count(const batch&, const step_plan&) const;
  // Embeds the batch's queries and products; clears the gradients first. `counts`: of all ranks. The columns are valid until the next forward.
  result<product_columns> forward(const batch&, const step_plan&, const task_sums& counts);
  // Matching and classification against `columns`, whose rows first_own .. first_own + B - 1 are this batch's products, and against the bank.
  // Keeps the gradients of the queries and, for the caller, of the columns.
  status match(const batch&, const product_columns&, std::int64_t first_own, const bank_view&);
  view column_gradient() noexcept;  // (M, P), valid until the next match
  // From the gradient of this rank's own products (B, P) down to the parameters, which are told as retrieval_model::gradient_order has them.
  status backward(const batch&, const const_view d_product, const gradients_complete& = {});
  // Clips by the norm of all gradients and steps AdamW, where this rank holds moments.
  status update(const step_plan&);
  // Waits for the step. The sums are complete after backward, the rest once all weights are updated.
  result<step_outcome> outcome();

  retrieval_model& model() noexcept;
  const retrieval_model& model() const noexcept;
  device& on() noexcept;

private:
  struct impl;
  explicit replica(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

}  // namespace argosy

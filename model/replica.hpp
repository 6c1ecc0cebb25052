// A worker's copy of the model, and the parts of one step of its training. What lies between them, the exchange with other ranks, is the
// worker's (actors/train_step.hpp):
//     forward -> [gather products] -> match -> [reduce-scatter their gradient] -> backward
//             -> [sum gradients over ranks] -> update -> [push to the bank]
// Each loss is a sum over its count on all ranks and gradients are summed, so W workers equal one worker on the same global batch
// (method.md, section 8, oracle 4).
// Source    arXiv 2304.04377, section 2.2; method.md, sections 3 to 5.
// Threads   one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

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

struct match_report {
  double loss = 0;                                   // sum over this rank's queries
  double negatives_product = 0, negatives_bank = 0;  // sums over this rank's queries, after masking
  double share_product = 0, share_bank = 0;          // sums of the softmax mass of each source: hardness
  double gate_image = 0;                             // sum over this rank's products of the image's weight
};

struct update_report {
  double gradient_norm = 0;  // of all gradients, before clipping
  double scale = 0;          // after the update
};

class replica {
public:
  // `dev` outlives the replica.
  static result<replica> make(device& dev, const recipe&, const model_inputs&);
  replica(replica&&) noexcept;
  replica& operator=(replica&&) noexcept;
  ~replica();

  // Embeds the batch's queries and products; clears the gradients first. The columns are valid until the next forward.
  result<product_columns> forward(const batch&, const step_plan&);
  // Losses against `columns`, whose rows first_own .. first_own + B - 1 are this batch's products, and against the bank. `count` is the
  // number of queries on all ranks. Keeps the gradients of the queries and, for the caller, of the columns.
  result<match_report> match(const batch&, const product_columns&, std::int64_t first_own, const bank_view&, std::int64_t count);
  view column_gradient() noexcept;  // (M, P), valid until the next match
  // From the gradient of this rank's own products (B, P) down to the parameters.
  status backward(const_view d_product);
  // Clips by the norm of all gradients and steps AdamW.
  result<update_report> update(const step_plan&);

  retrieval_model& model() noexcept;
  const retrieval_model& model() const noexcept;
  device& on() noexcept;

private:
  struct impl;
  explicit replica(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

}  // namespace argosy

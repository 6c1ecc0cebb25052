// Query-product matching with weighted negatives: arXiv 2304.04377, section 2.2, eq. 3.
//     s(u, v) = scale * u.v - log p(v)          scale given, or min(exp(log_scale), scale_limit), trained like 1/tau
//     loss_b  = -log( e^{s+} / ( e^{s+} + w1 * sum_{bank} e^{s_i} + w2 * sum_{products} e^{s_j} ) )
// as a log-sum-exp over [s+ ; s_i + ln w1 ; s_j + ln w2]. Scale and cosine are ours: the paper writes u.v - log p.
// Masked: every column, of products and bank, that is the query's own product or one of its known positives; the own column
// itself always counts, as the positive. Products are inverted once (id -> columns); cells are never tested one by one.
// The logits are computed in tiles and never stored whole; backward computes them again from lse.
// Other tasks are the same sum over other rows: a softmax over the columns, whose own column is the answer. Eq. 1 of the paper has masked
// patches for queries, predictions for products and no log p; a language model has a table of words for products and minus its bias for log p.
// Letters   B local queries, M products of the batch or of all devices, K rows of the bank, D columns.
// Cost      2*B*(M+K)*D flops forward; backward as much again, and as much for d_query, and 2*B*M*D for d_product.
// Truth     kernels/reference/qpm_loss.cpp, compared in tests/kernels/qpm_loss.cpp, and with golden/qpm_* in tests/kernels/golden.cpp.
#pragma once

#include <limits>

#include "base/random.hpp"
#include "kernels/device.hpp"

namespace argosy {

struct qpm_input {
  const_view query;                                              // (B, D) of length one (or raw: the kernel does not care)
  const_view product;                                            // (M, D)
  const_view bank;                                               // (K, D), or empty; no gradient
  double scale = 1;                                              // > 0; not read where there is a log_scale
  const_view log_scale = {};                                     // (1, 1), or empty
  double scale_limit = std::numeric_limits<double>::infinity();  // > 0
  double weight_product = 1, weight_bank = .25;                  // w2, w1, > 0
  std::span<const std::int64_t> product_id;                      // (M) repeats allowed
  std::span<const std::int64_t> bank_id;                         // (K)
  const_view product_log_p;                                      // (1, M)
  const_view bank_log_p;                                         // (1, K)
  std::span<const std::int32_t> own;                             // (B) column of each query's positive, 0 .. M-1
  std::span<const std::int32_t> known_offset;                    // (B + 1), rising from 0: known positives of each query
  std::span<const std::int64_t> known_product;                   // product ids; the own product need not be among them
  std::span<const float> row_weight = {};                        // (B) factor of each query's gradient; or empty: 1
};

struct qpm_output {
  view loss;                                  // (1, B)
  view lse;                                   // (1, B) of all terms, the positive's too
  view share_product, share_bank;             // (1, B) each: softmax mass of the negatives of one source: their hardness
  std::span<std::int32_t> negatives_product;  // (B) negatives after masking
  std::span<std::int32_t> negatives_bank;     // (B)
};

struct qpm_gradient {
  view d_query;               // (B, D), or empty: not wanted
  view d_product;             // (M, D), or empty: not wanted
  view d_log_scale = {};      // (1, 1), added to: scale * d loss / d scale, but nothing where exp(log_scale) >= scale_limit; or empty
  view d_product_log_p = {};  // (1, M), or empty: not wanted
};

status qpm_forward(device&, const qpm_input&, const qpm_output&);
// Gradients of d_loss * sum of row_weight * loss. Reads lse as forward left it.
status qpm_backward(device&, const qpm_input&, const qpm_output&, double d_loss, const qpm_gradient&);

// One negative of each query among the products, drawn with the probability of its share of the softmax (Gumbel's maximum): hard negatives
// come often. The noise of a cell is keyed by the pair of its row and the place of its column, so it does not depend on the layout.
struct qpm_draws {
  draw_key key;
  std::span<const std::uint32_t> pair;  // (B) of each query
  std::uint32_t first_column = 0;       // place of column 0
};
// -1 where every product is masked. The bank and row_weight are not read. Waits for the device: the host reads what was drawn.
status qpm_draw(device&, const qpm_input&, const qpm_draws&, std::span<std::int32_t> drawn);

}  // namespace argosy

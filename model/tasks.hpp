// Heads of the pre-training tasks beside matching: method.md, section 3. Each runs forward and backward at once: it adds the sum of its
// losses to the caller's `loss` (1, 1), which stays on the device, and keeps the gradients of what it read, times `d_loss`, until its next
// run; gradients of its parameters are added. Nothing masked, or no pair, adds no loss and has no gradient.
// Letters   N rows of an encoder, m masked of them, d hidden, V pieces, L patches, P width of the embeddings.
// Truth     central differences in tests/model/tasks.cpp; their sums against golden/ in tests/kernels/golden.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/device.hpp"
#include "kernels/qpm_loss.hpp"
#include "model/encoder.hpp"
#include "model/parameters.hpp"
#include "model/recipe.hpp"

namespace argosy {

// A softmax over many columns, of which each row owns one: the matching loss without ids that repeat.
class column_softmax {
public:
  struct input {
    const_view query, column;                         // (m, d), (M, d)
    const_view log_scale = {};                        // (1, 1), or empty: a scale of 1
    double scale_limit = 1;                           // of a log_scale
    const_view log_p = {};                            // (1, M), or empty: 0
    std::span<const std::int32_t> own;                // (m)
    std::span<const std::int32_t> known_offset = {};  // (m + 1), or empty: no column is masked
    std::span<const std::int64_t> known = {};         // columns that are no negatives of a row
  };
  // Gradients of d_loss * sum go to what is given, as qpm_backward says.
  status run(device&, const input&, double d_loss, const qpm_gradient&);
  const_view losses() const noexcept { return loss_; }  // (1, m) of the last run

private:
  tensor loss_, lse_, share_, no_log_p_;
  std::vector<std::int64_t> id_;
  std::vector<std::int32_t> none_known_, negatives_;
};

// MLM: dense, GELU, LayerNorm, then a softmax over the table of pieces, which is that of the embeddings, with a bias of its own (stored as
// its negative, `log_p`). Devlin et al., arXiv:1810.04805. Parameters NAME.{dense,ln,log_p}.
class word_head {
public:
  static void add_specs(std::vector<parameter_spec>&, const std::string& name, std::int64_t hidden, std::int64_t vocabulary,
                        double deviation);
  static word_head bind(const parameters&, const std::string& name, const std::string& tokens);
  // `rows` (N, d) of an encoder; `row` (m) the masked of them, `piece` (m) what stood there.
  status run(device&, const_view rows, std::span<const std::int32_t> row, std::span<const std::int32_t> piece, double d_loss, view loss);
  const_view d_rows() const noexcept { return d_rows_; }  // (m, d)

private:
  linear_slot dense_;
  norm_slot norm_;
  view token_, d_token_, log_p_, d_log_p_;
  column_softmax softmax_;
  tensor rows_, wide_, said_, normalised_, rstd_, d_said_, d_rows_, d_table_, d_columns_;
};

// Where the sums over the masked are added.
struct patch_losses {
  view contrastive, regression;  // (1, 1) each
};

// MPM_R, eq. 1-2 of arXiv 2304.04377, and the older regression. The target of a masked patch is its unmasked linear map, without gradient;
// predictions are dense, GELU, dense over all patches of the batch (for the regression alone: over the masked). Both are normalised for
// MPM_R, whose 1 / tau is trained: log_inv_tau starts at ln(1 / 0.07), 1 / tau <= 100. Parameters NAME.{up,down,log_inv_tau}.
class patch_head {
public:
  struct settings {
    double contrastive = 0, regression = 0;  // weights times 1 / count
    bool symmetric = false;                  // half of it the other way round: predictions of the masked among all targets
    // Targets of a cosine above it are no negatives of each other. Below 1, run waits for the device: the host reads the cosines.
    double same_patch = 1;
  };
  static void add_specs(std::vector<parameter_spec>&, const std::string& name, std::int64_t hidden, double deviation);
  static patch_head bind(const parameters&, const std::string& name);
  // `rows` (N, d) of the image encoder, `patch_row` (L) those of patches; `embedded` (L, d) the targets; `masked` (m) of 0 .. L-1.
  status run(device&, const_view rows, std::span<const std::int32_t> patch_row, const_view embedded, std::span<const std::int32_t> masked,
             const settings&, const patch_losses&);
  const_view d_rows() const noexcept { return d_rows_; }                     // (n, d) of the rows below
  std::span<const std::int32_t> read_rows() const noexcept { return row_; }  // (n) rows that were read

private:
  status predict(device&, const_view rows);
  status contrast(device&, const_view embedded, std::span<const std::int32_t> masked, const settings&, view loss);
  status regress(device&, std::span<const std::int32_t> own, double d_loss, view loss);
  status find_same(device&, std::span<const std::int32_t> masked, double above);

  linear_slot up_, down_;
  view log_inv_tau_, d_log_inv_tau_;
  column_softmax softmax_;
  std::vector<std::int32_t> row_, known_offset_;
  std::vector<std::int64_t> known_;
  tensor exact_;  // embedded patches, of a device whose rows are of another type
  tensor rows_, wide_, active_, predicted_, d_predicted_, d_active_, d_rows_;
  tensor unit_, norm_, d_unit_, unit_target_, target_norm_, target_, cosine_, d_more_;
  tensor chosen_, d_chosen_, loss_;
};

// QPC: two classes over [q ; p ; q * p ; |q - p|], dense, GELU, dense. Parameters NAME.{up,down}.
class pair_head {
public:
  static void add_specs(std::vector<parameter_spec>&, const std::string& name, std::int64_t width, double deviation);
  static pair_head bind(const parameters&, const std::string& name);
  // Pair i is query row `query[i]` with product row `product[i]`; label 1 is a match. Gradients are added to d_query and d_product.
  struct pairs {
    const_view query, product;  // (Q, P), (M, P)
    std::span<const std::int32_t> query_row, product_row, label;
  };
  status run(device&, const pairs&, double d_loss, view d_query, view d_product, view loss);

private:
  linear_slot up_, down_;
  tensor query_, product_, features_, wide_, active_, logits_, loss_;
  tensor d_logits_, d_active_, d_features_, d_query_, d_product_;
};

}  // namespace argosy

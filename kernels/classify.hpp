// What the smaller tasks end in (method.md, section 3).
//   pair_features   y = [q ; p ; q * p ; |q - p|]          the slope of |x| at 0 is 0
//   cross_entropy   loss_n = -log softmax(logits_n)[label_n]
//   divergence      loss_n = KL( softmax(target_n) || softmax(predicted_n) ); the target gets no gradient
// The losses give their gradient at once, of d_loss * sum of loss.
// Letters   N rows, C columns.
// Truth     kernels/reference/classify.cpp, compared in tests/kernels/classify.cpp, and with golden/qpc and golden/mpm_kl in
//           tests/kernels/golden.cpp.
#pragma once

#include "kernels/device.hpp"

namespace argosy {

struct pair_rows {
  const_view query, product;  // (N, C)
};

status pair_features_forward(device&, const pair_rows&, view y);                                         // y (N, 4 C)
status pair_features_backward(device&, const pair_rows&, const_view d_y, view d_query, view d_product);  // (N, C), overwritten

struct cross_entropy_input {
  const_view logits;                    // (N, C)
  std::span<const std::int32_t> label;  // (N) 0 .. C-1
};
status cross_entropy(device&, const cross_entropy_input&, double d_loss, view loss, view d_logits);  // (1, N), (N, C)

struct divergence_input {
  const_view target, predicted;  // (N, C)
};
status divergence(device&, const divergence_input&, double d_loss, view loss, view d_predicted);  // (1, N), (N, C)

}  // namespace argosy

// Multi-head scaled dot-product attention over packed sequences, within one packing (self) or from one to another (cross).
//     S = scale * Q K^T   within a sequence      P = softmax(S)      O = P V
// Vaswani et al., arXiv:1706.03762, section 3.2.1. P is never stored; backward rebuilds it
// from lse: Dao, arXiv:2307.08691, section 3.1, whose names are used.
// Letters   B sequences, N query rows and M key rows of the batch, H heads, D features of a head. Sequence b is query rows
//           q_offset[b] .. q_offset[b+1] and key rows kv_offset[b] .. kv_offset[b+1]; a sequence without keys gives O = 0, lse = -inf.
// Layout    row-major; heads side by side in a row: (N, H*D). Rows may be strided: q, k, v may be slices of one matrix.
// Cost      4*H*D*sum(Tq_b*Tk_b) flops forward, 2.5 times that backward.
// Truth     kernels/reference/attention.cpp, compared in tests/kernels/attention.cpp.
#pragma once

#include "kernels/device.hpp"

namespace argosy {

struct attention_input {
  int heads = 1;                            // divides the width
  double scale = 1;                         // > 0; 1/sqrt(D) unless the model says otherwise
  const_view q;                             // (N, H*D)
  const_view k, v;                          // (M, H*D)
  std::span<const std::int32_t> q_offset;   // (B + 1), rising, from 0 to N
  std::span<const std::int32_t> kv_offset;  // (B + 1), rising, from 0 to M
};

struct attention_gradient {
  view d_q;       // (N, H*D)
  view d_k, d_v;  // (M, H*D)
};

// Writes o (N, H*D) and lse (N, H); lse may be empty when no backward follows.
status attention_forward(device&, const attention_input&, view o, view lse);
status attention_backward(device&, const attention_input&, const_view o, const_view lse, const_view d_o, const attention_gradient&);

}  // namespace argosy

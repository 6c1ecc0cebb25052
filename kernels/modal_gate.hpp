// The last step of modal adaptation (method.md, section 2; the form is ours): per product, weigh title against image.
//     g = softmax(logits)      product = g_t * title + g_v * image
// A product without image has g = (1, 0), one without title g = (0, 1), and its logits get no gradient.
// Letters   B products, C columns.
// Truth     kernels/reference/normalisation.cpp, compared in tests/kernels/layer_norm.cpp.
#pragma once

#include "kernels/device.hpp"

namespace argosy {

enum class modality : std::uint8_t { both, title_only, image_only };

struct modal_gate_input {
  const_view title, image;            // (B, C); the row of an absent modality is not read
  const_view logits;                  // (B, 2)
  std::span<const modality> present;  // (B)
};

struct modal_gate_gradient {
  view d_title, d_image;  // (B, C); the row of an absent modality becomes 0
  view d_logits;          // (B, 2)
};

status modal_gate_forward(device&, const modal_gate_input&, view product, view gate);  // (B, C), (B, 2)
status modal_gate_backward(device&, const modal_gate_input&, const_view gate, const_view d_product, const modal_gate_gradient&);

}  // namespace argosy

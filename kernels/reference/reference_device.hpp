// The definition of every operator: float64, plain loops, one thread, in the words of the operator headers. Private to kernels.
#pragma once

#include "kernels/device.hpp"

namespace argosy {

class reference_device final : public device {
public:
  std::string_view name() const noexcept override { return "reference"; }
  dtype type() const noexcept override { return dtype::f64; }
  result<std::shared_ptr<std::byte>> allocate(std::size_t bytes) override;
  void zero(view) override;
  status upload(const void* from, view to) override;
  status download(const_view from, void* to) override;

  status linear_forward(const linear_input&, view y) override;
  status linear_backward(const linear_input&, const_view d_y, const linear_gradient&) override;
  status bias_gelu_forward(const_view x, const_view bias, view y) override;
  status bias_gelu_backward(const_view x, const_view bias, const_view d_y, view d_x, view d_bias) override;
  status layer_norm_forward(const layer_norm_input&, view y, const layer_norm_saved&) override;
  status layer_norm_backward(const layer_norm_input&, const layer_norm_saved&, const_view d_y, const layer_norm_gradient&) override;
  status attention_forward(const attention_input&, view o, view lse) override;
  status attention_backward(const attention_input&, const_view o, const_view lse, const_view d_o, const attention_gradient&) override;
  status move_rows(const move_rows_input&, view to) override;
  status scale_rows(std::span<const float> factor, view x) override;
  status add(const_view x, view y) override;
  status from_bytes(std::span<const std::uint8_t> bytes, double scale, double shift, view y) override;
  status from_halves(std::span<const std::uint16_t> halves, view y) override;
  status normalise_forward(const_view x, view y, view norm) override;
  status normalise_backward(const_view y, const_view norm, const_view d_y, view d_x) override;
  status modal_gate_forward(const modal_gate_input&, view product, view gate) override;
  status modal_gate_backward(const modal_gate_input&, const_view gate, const_view d_product, const modal_gate_gradient&) override;
  status qpm_forward(const qpm_input&, const qpm_output&) override;
  status qpm_backward(const qpm_input&, const qpm_output&, double d_loss, const qpm_gradient&) override;
  status qpm_draw(const qpm_input&, const qpm_draws&, std::span<std::int32_t> drawn) override;
  status pair_features_forward(const pair_rows&, view y) override;
  status pair_features_backward(const pair_rows&, const_view d_y, view d_query, view d_product) override;
  status cross_entropy(const cross_entropy_input&, double d_loss, view loss, view d_logits) override;
  status divergence(const divergence_input&, double d_loss, view loss, view d_predicted) override;
  status dropout(const dropout_input&, view x) override;
  status add_total(const_view x, double factor, view to) override;
  status add_squares(const_view x, view to) override;
  status adamw(const adamw_settings&, const_view gradient, view parameter, view first, view second) override;
};

// What dropout multiplies the element by: 0 or 1 / (1 - rate).
double dropout_factor(const dropout_input&, std::int64_t row, std::int64_t column, std::int64_t columns);

}  // namespace argosy

// The device of one NVIDIA GPU. Products are cuBLASLt's; the rest are the kernels of this folder, one file a group of operators.
// Work      is put on one stream and not waited for: a call returns when its kernels are queued. Waits: upload and download, qpm_draw,
//           allocate, and a list of the host that outgrows its memory (staging.hpp).
// Beside    a stream of its own, and a workspace of cuBLASLt; the bfloat16 copies of this one's weights it does not know, so it may not write weights.
// Types     parameters, gradients, losses: float32. Rows between operators: float32, or bfloat16 with compute::bfloat16 and compute::fp8.
// Same bits a result is the same from run to run; between sizes of a batch it may differ by rounding.
// Threads   one at a time. CUDA's calls act on the thread's current device: opening makes it this one, and so does what a memory bank calls from its
//           own thread: allocate, upload, download, move_rows. The other operators want the thread that opened it, or another on which one of these ran last.
#pragma once

#include <cuda_runtime.h>

#include <memory>

#include "kernels/cuda/blas.hpp"
#include "kernels/cuda/fp8.hpp"
#include "kernels/cuda/fused_attention.hpp"
#include "kernels/cuda/rounding.hpp"
#include "kernels/cuda/staging.hpp"
#include "kernels/device.hpp"

namespace argosy::cuda {

struct dropped;

class cuda_device final : public device {
public:
  // unavailable, with CUDA's reason.
  static result<std::unique_ptr<cuda_device>> open(int ordinal, compute, attention_by = attention_by::argosy);
  ~cuda_device() override;

  std::string_view name() const noexcept override { return "cuda"; }
  dtype type() const noexcept override { return dtype::f32; }
  dtype row_type() const noexcept override { return rounds() ? dtype::bf16 : dtype::f32; }
  result<std::shared_ptr<std::byte>> allocate(std::size_t bytes) override;
  void zero(view) override;
  bool host_reads() const noexcept override { return false; }
  status wait() override;
  result<std::unique_ptr<work_mark>> mark() override;
  result<device*> beside() override;
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
  status add_total(const_view x, double factor, view to) override;
  status add_squares(const_view x, view to) override;
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
  status adamw(const adamw_settings&, const_view gradient, view parameter, view first, view second) override;

  // For what others put on its stream (nccl.cpp): what they write to is told.
  int ordinal() const noexcept { return ordinal_; }
  cudaStream_t stream() const noexcept { return stream_; }
  void overwritten(const void* memory) noexcept { rounding_->uploaded({.data = memory}); }

private:
  class qpm_walk;
  cuda_device(int ordinal, compute how) : ordinal_(ordinal), compute_(how) {}
  status set_up(attention_by);
  status become_current();
  bool rounds() const noexcept { return compute_ != compute::float32; }

  status multiply(const product_input&, view c);    // and counts its flops
  status multiply_fp8(const fp8_product&, view c);  // the same
  // Whether these rows, of the map's input and output, are for 8-bit products.
  bool for_fp8(const linear_input&, const const_view& output) const noexcept;
  status fp8_forward(const linear_input&, view y);
  status fp8_backward(const linear_input&, const_view d_y, const linear_gradient&);

  // The product, and sums (1, m) += its row_sums where cuBLASLt has them; false: it has not, and sums are as they were.
  result<bool> multiply_and_sum(product_input, view c, view sums);

  // Valid for the kernels of one operator: contents undefined, 256-byte aligned.
  result<float*> scratch(std::int64_t floats);
  // to[c] += sum over `parts` rows of `partial`, which lie `stride` apart; to (1, C).
  status add_partial_sums(const float* partial, std::int64_t parts, std::int64_t stride, view to);
  status add_column_sums(const_view x, view to);
  // to (1, 1) += factor * sum of f(x), summed in float64.
  template <class F>
  status add_sum_of(const_view x, F f, double factor, view to);
  status attend_fused(const attention_input&, const fused_shape&, const fused_array<const_view>&);
  // For kernels queued before the next list is copied.
  result<dropped> dropped_by(const dropout_input&);
  // to[target[n]] += rows[n], in the order of n.
  status add_to_rows(const_view from, std::span<const std::int32_t> from_index, std::span<const std::int32_t> target, view to);

  int ordinal_;
  compute compute_;
  cudaStream_t stream_ = nullptr;
  std::unique_ptr<blas> blas_;
  std::unique_ptr<fp8_factors> fp8_;        // null: no products of 8 bits
  std::unique_ptr<fused_attention> fused_;  // null: attention is ours
  std::unique_ptr<staging> staging_;
  std::shared_ptr<allocations> allocations_ = std::make_shared<allocations>();
  std::unique_ptr<rounding> rounding_;
  std::shared_ptr<std::byte> scratch_;
  std::int64_t scratch_floats_ = 0;
  std::unique_ptr<cuda_device> beside_;  // null until it is asked for
};

}  // namespace argosy::cuda

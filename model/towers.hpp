// What stands before and after the encoders: embeddings of text and of patches, modal adaptation, projection. method.md, section 2.
// Each part keeps the activations of its last forward for its backward; parameter gradients are added to.
// Letters   B sequences or products, N packed rows, d hidden, P projection.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/batch.hpp"
#include "kernels/modal_gate.hpp"
#include "model/encoder.hpp"
#include "model/recipe.hpp"

namespace argosy {

// What one pass knows besides its rows.
struct pass_context {
  double dropout = 0;
  std::uint64_t seed = 0, step = 0;
  std::span<const std::uint32_t> pair;  // (B) whose draws each sequence makes; empty: 0, 1, ...
  std::uint32_t first_site = 0;
  std::uint32_t pair_of(std::size_t sequence) const { return pair.empty() ? static_cast<std::uint32_t>(sequence) : pair[sequence]; }
};

// token + position + type, LayerNorm, dropout, encoder. Parameters NAME.{position,type,embedding_ln}, TOKENS, NAME.L...
class text_tower {
public:
  static void add_specs(std::vector<parameter_spec>&, const std::string& name, const std::string& tokens, bool own_tokens,
                        std::int64_t vocabulary, int longest, const encoder::shape&, double deviation);
  static text_tower bind(const parameters&, const std::string& name, const std::string& tokens, const encoder::shape&);
  // (N, d), or the [CLS] rows alone (B, d): the last block computes no others then. Valid until the next forward.
  // REQUIRES no empty sequence and at least one layer for the [CLS] rows alone.
  result<const_view> forward(device&, const packed_text&, const pass_context&, bool first_rows_alone = false);
  // d is the gradient of what forward gave, and used up.
  status backward(device&, const packed_text&, view d, const gradients_complete& = {});
  std::span<const std::int32_t> first_rows() const noexcept { return first_row_; }  // (B) row of each [CLS], -1: no such sequence

private:
  view token_, d_token_, position_, d_position_, type_, d_type_;
  norm_slot norm_;
  encoder encoder_;
  std::int64_t hidden_ = 0;
  tensor normalised_, rstd_, d_rows_;
  std::vector<std::int32_t> place_, zero_, first_row_;
  std::vector<std::uint32_t> pair_;
  dropout_plan drop_;
  bool first_rows_alone_ = false;
};

// patches -> linear, [CLS] first, position + type, LayerNorm, dropout, encoder. Absent images have no rows. A masked patch is zeroed before
// the linear map (ours, as in FashionBERT's public code), so the encoder sees its bias.
class image_tower {
public:
  static void add_specs(std::vector<parameter_spec>&, const std::string& name, std::int64_t patch_width, const encoder::shape&,
                        double deviation);
  static image_tower bind(const parameters&, const std::string& name, const encoder::shape&);
  // `masked`: indices among the patches, rising.
  result<const_view> forward(device&, const packed_images&, std::span<const std::int32_t> masked, const pass_context&);
  status backward(device&, view d, const gradients_complete& = {});
  const_view embedded() const noexcept { return embedded_; }                        // (patches, d) after the linear map, unmasked
  std::span<const std::int32_t> patch_rows() const noexcept { return patch_row_; }  // row of each patch
  std::span<const std::int32_t> offset() const noexcept { return offset_; }         // (B + 1)
  std::span<const std::int32_t> first_rows() const noexcept { return first_row_; }

private:
  void lay_out(const packed_images&, const pass_context&);
  status hide_masked(device&, view x);

  linear_slot patch_;
  view cls_, d_cls_, position_, d_position_, type_, d_type_;
  norm_slot norm_;
  encoder encoder_;
  std::int64_t hidden_ = 0;
  tensor pixels_, embedded_, d_embedded_, normalised_, rstd_;
  std::vector<std::int32_t> offset_, place_, zero_, first_row_, cls_row_, patch_row_, masked_, masked_row_;
  std::vector<std::uint32_t> pair_;
  dropout_plan drop_;
};

// Modal adaptation [M]; the form is ours:
//     t' = LN(t + MHA(t, V, V))      v' = LN(v + MHA(v, T, T))      g = softmax(MLP([t'; v']))      product = g_t t' + g_v v'
// Only the [CLS] rows of T' and V' are used, so only they are computed.
// Parameters NAME.{t,v}.{q,k,v,o,ln}, NAME.gate.{up,down}.
class modal_adaptation {
public:
  static void add_specs(std::vector<parameter_spec>&, const std::string& name, std::int64_t hidden, double deviation);
  static modal_adaptation bind(const parameters&, const std::string& name, std::int64_t hidden, int heads);
  struct packed_rows {
    const_view rows;                          // (N, d), or empty: nobody has this modality
    std::span<const std::int32_t> offset;     // (B + 1)
    std::span<const std::int32_t> first_row;  // (B), -1: absent
  };
  // (B, d) and the gate (B, 2), valid until the next forward.
  result<const_view> forward(device&, const packed_rows& title, const packed_rows& image);
  const_view gate() const noexcept { return gate_; }
  // Gradients of the rows (N, d) of both, overwritten; empty where there are no rows.
  status backward(device&, const packed_rows& title, const packed_rows& image, const_view d_product, view d_title, view d_image);

private:
  struct side {
    linear_slot q, kv, o;
    norm_slot norm;
    tensor own, query, keys, mixed, lse, attended, normalised, rstd;
    tensor d_own, d_attended, d_mixed, d_query, d_keys;
    std::vector<float> attends;  // (B) 1 where the other modality is there
    bool all_attend = true;
  };
  status attend(device&, side&, const packed_rows& own, const packed_rows& other, view out);
  status attend_backward(device&, side&, const packed_rows& own, const packed_rows& other, const_view d_out, view d_other);

  side title_, image_;
  linear_slot up_, down_;
  std::int64_t hidden_ = 0;
  int heads_ = 1;
  std::vector<std::int32_t> one_each_;  // (B + 1) 0, 1, 2, ...
  std::vector<modality> present_;
  tensor both_, wide_, active_, logits_, product_, gate_;
  tensor d_both_, d_wide_, d_logits_;
};

}  // namespace argosy

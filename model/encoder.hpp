// A stack of post-LN BERT blocks over packed sequences: Devlin et al., arXiv:1810.04805; method.md, section 2.
//     h = LN1(x + o(attention(q(x), k(x), v(x))))      y = LN2(h + down(gelu(up(h))))
// Dropout, when there is any, falls on the two terms before their residual sums.
// Letters   N packed rows of B sequences, d hidden, F feed-forward, H heads.   Parameters  PREFIX.L.{q,k,v,o,up,down}.{weight,bias},
// PREFIX.L.{ln1,ln2}.{weight,bias}; q, k and v lie one after the other and are one product.
// Truth     golden/encoder*, compared in tests/model/golden.cpp on both devices.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/attention.hpp"
#include "kernels/device.hpp"
#include "kernels/dropout.hpp"
#include "model/parameters.hpp"

namespace argosy {

inline constexpr double layer_norm_eps = 1e-12;

struct linear_slot {  // a weight (O, I) and its bias (1, O), with their gradients
  view weight, bias, d_weight, d_bias;
};
linear_slot slot_of(const parameters&, std::string_view name, int joined = 1);
struct norm_slot {
  view gain, bias, d_gain, d_bias;
};
norm_slot norm_of(const parameters&, std::string_view name);

void add_linear_specs(std::vector<parameter_spec>&, const std::string& name, std::int64_t out, std::int64_t in, double deviation);
void add_norm_specs(std::vector<parameter_spec>&, const std::string& name, std::int64_t columns);

status forward(device&, const linear_slot&, const_view x, view y);
// d_x may be empty.
status backward(device&, const linear_slot&, const_view x, const_view d_y, view d_x, bool add_to_d_x = false);

// active = gelu(x W^T + b). `wide` keeps x W^T for backward, where `d` is the gradient of `active` on entry and of x W^T on return.
status gelu_layer_forward(device&, const linear_slot&, const_view x, view wide, view active);
status gelu_layer_backward(device&, const linear_slot&, const_view x, const_view wide, view d, view d_x, bool add_to_d_x = false);

// Which random draws the rows of a packing make; rate 0 draws nothing.
struct dropout_plan {
  double rate = 0;
  std::uint64_t seed = 0;
  std::uint32_t step = 0, first_site = 0;
  std::span<const std::uint32_t> pair;     // (N)
  std::span<const std::int32_t> position;  // (N)
};
dropout_input dropout_at(const dropout_plan&, std::uint32_t site);

class encoder {
public:
  struct shape {
    int layers = 0, heads = 1;
    std::int64_t hidden = 0, feed_forward = 0;
  };
  static void add_specs(std::vector<parameter_spec>&, const std::string& prefix, const shape&, double deviation);
  // Binds to parameters made from add_specs, which outlive the encoder.
  static encoder bind(const parameters&, const std::string& prefix, const shape&);

  // input() is where the caller writes x (N, d) after resize(). forward returns y, kept for backward until the next resize.
  // `wanted`: the rows of y that are computed, one of every sequence; empty: all. On the others the last block then spends no more than
  // their keys and values. REQUIRES at least one layer when rows are chosen.
  status resize(device&, std::int64_t rows);
  view input() noexcept;
  result<const_view> forward(device&, std::span<const std::int32_t> offset, const dropout_plan&, std::span<const std::int32_t> wanted = {});
  // d: the gradient of y; used up. d_x (N, d) receives that of x; when all rows were wanted it is d itself. Parameter gradients are added to.
  // Layers are told complete, the last first: name_of_layer.
  status backward(device&, std::span<const std::int32_t> offset, const dropout_plan&, view d, view d_x,
                  const gradients_complete& complete = {});
  static std::string name_of_layer(const std::string& prefix, std::size_t which) { return prefix + "." + std::to_string(which) + "."; }
  static constexpr std::uint32_t sites_per_layer = 2;

private:
  struct layer {
    linear_slot qkv, o, up, down;
    norm_slot ln1, ln2;
    tensor x, projected, mixed, lse, hidden, wide, active;  // (N,d) (N,3d) (N,d) (N,H) (N,d) (N,F) (N,F)
    tensor normalised1, rstd1, normalised2, rstd2;
  };
  // The rows that a block computes, with what their attention reads: all of them, or the wanted ones.
  struct row_set {
    std::span<const std::int32_t> wanted, q_offset, kv_offset;
    dropout_plan drop;
  };
  row_set rows_of(std::size_t which, std::span<const std::int32_t> offset, const dropout_plan&) const;
  status choose(device&, const dropout_plan&, std::span<const std::int32_t> wanted);
  attention_input asked(layer&, const row_set&);
  status project(device&, layer&, const row_set&);
  status project_backward(device&, layer&, const row_set&, view d, view d_x);
  status layer_forward(device&, layer&, const row_set&, std::uint32_t site, view y);
  status layer_backward(device&, layer&, const row_set&, std::uint32_t site, view d, view d_x);
  status resize_layer(device&, layer&, std::int64_t rows, std::int64_t computed);

  shape shape_;
  std::string prefix_;
  std::vector<layer> layers_;
  std::vector<std::int32_t> wanted_, one_each_, wanted_position_;
  std::vector<std::uint32_t> wanted_pair_;
  tensor own_, query_, d_query_;  // of the wanted rows: x, and what they ask
  tensor output_, d_wide_, d_projected_, d_mixed_, dropped_;
};

}  // namespace argosy

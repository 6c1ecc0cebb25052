#include "kernels/cuda/fused_attention.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "kernels/cuda/cuda_device.hpp"
#include "kernels/cuda/longest.hpp"

namespace argosy::cuda {
namespace {

// Steps of buckets: of sequences and of the longest one's rows as cuDNN's blocks of threads take them, of all rows so that few plans are made.
constexpr std::int64_t sequence_step = 128, length_step = 64, row_step = 8192, widest_head = 128, alignment = 16;

constexpr std::int64_t rounded_up(std::int64_t n, std::int64_t step) { return std::max<std::int64_t>((n + step - 1) / step, 1) * step; }

bool lies_well(const const_view& v) {
  if (v.type != dtype::bf16) return false;
  return reinterpret_cast<std::uintptr_t>(v.data) % alignment == 0 &&
         v.stride * static_cast<std::int64_t>(size_of(v.type)) % alignment == 0;
}

bool both_or_neither(const attention_input& in) {
  for (std::size_t b = 1; b < in.q_offset.size(); ++b)
    if ((in.q_offset[b] > in.q_offset[b - 1]) != (in.kv_offset[b] > in.kv_offset[b - 1])) return false;
  return true;
}

std::vector<std::int32_t> firsts(std::span<const std::int32_t> offset, std::int64_t stride, std::int64_t sequences) {
  std::vector<std::int32_t> all(static_cast<std::size_t>(sequences) + 1);
  for (std::size_t b = 0; b < all.size(); ++b) all[b] = static_cast<std::int32_t>(offset[std::min(b, offset.size() - 1)] * stride);
  return all;
}

std::vector<std::int32_t> lengths(std::span<const std::int32_t> offset, std::int64_t sequences) {
  std::vector<std::int32_t> all(static_cast<std::size_t>(sequences), 0);
  for (std::size_t b = 0; b + 1 < offset.size(); ++b) all[b] = offset[b + 1] - offset[b];
  return all;
}

}  // namespace

std::optional<fused_shape> fused_shape_of(const attention_input& in, const fused_array<const_view>& all) {
  const std::int64_t width = in.q.cols / in.heads;
  if (width % 8 != 0 || width > widest_head || in.q.empty() || in.k.empty() || !both_or_neither(in)) return std::nullopt;
  const bool backward = !all[fused::d_o].empty();
  fused_shape made{.backward = backward,
                   .sequences = rounded_up(static_cast<std::int64_t>(in.q_offset.size()) - 1, sequence_step),
                   .heads = in.heads,
                   .width = width,
                   .q_longest = rounded_up(longest(in.q_offset), length_step),
                   .kv_longest = rounded_up(longest(in.kv_offset), length_step),
                   .q_rows = backward ? rounded_up(in.q.rows, row_step) : 0,
                   .kv_rows = backward ? rounded_up(in.k.rows, row_step) : 0,
                   .scale = static_cast<float>(in.scale)};
  for (std::size_t i = 0; i < fused_matrices; ++i) {
    const const_view& v = all[i];
    if (v.data == nullptr) continue;
    if (static_cast<fused>(i) != fused::lse && !lies_well(v)) return std::nullopt;
    if (v.rows * v.stride > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
    made.stride[i] = std::max(v.stride, v.cols);
  }
  return made;
}

status cuda_device::attend_fused(const attention_input& in, const fused_shape& shape, const fused_array<const_view>& all) {
  fused_call call{.shape = shape};
  ARGOSY_ASSIGN(call.q_length, staging_->copy(std::span<const std::int32_t>(lengths(in.q_offset, shape.sequences))));
  ARGOSY_ASSIGN(call.kv_length, staging_->copy(std::span<const std::int32_t>(lengths(in.kv_offset, shape.sequences))));
  for (std::size_t i = 0; i < fused_matrices; ++i) {
    if (shape.stride[i] == 0) continue;
    const auto offset = is_of_keys(static_cast<fused>(i)) ? in.kv_offset : in.q_offset;
    call.data[i] = const_cast<void*>(all[i].data);
    ARGOSY_ASSIGN(call.first[i], staging_->copy(std::span<const std::int32_t>(firsts(offset, shape.stride[i], shape.sequences))));
  }
  return fused_->run(call);
}

}  // namespace argosy::cuda

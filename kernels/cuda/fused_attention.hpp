// cuDNN's fused attention of bfloat16 rows, in the place of ours (attention.cu) where somebody asks for it (attention_by::cudnn).
// cuDNN compiles a plan for shapes that it knows beforehand, and batches differ in all of theirs; so a plan is for buckets: the sequences,
// the rows of the longest one and all rows are rounded up. What fills a bucket are sequences without rows, behind the others.
// Letters   those of kernels/attention.hpp.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/status.hpp"
#include "kernels/attention.hpp"

namespace argosy::cuda {

// The matrices of one attention, in this order; those that a call has no use for are empty.
enum class fused : std::uint8_t { q, k, v, o, lse, d_o, d_q, d_k, d_v };
inline constexpr std::size_t fused_matrices = 9;
template <class T>
struct fused_array : std::array<T, fused_matrices> {
  using std::array<T, fused_matrices>::operator[];
  T& operator[](fused which) noexcept { return (*this)[static_cast<std::size_t>(which)]; }
  const T& operator[](fused which) const noexcept { return (*this)[static_cast<std::size_t>(which)]; }
};
constexpr bool is_of_keys(fused which) noexcept {
  return which == fused::k || which == fused::v || which == fused::d_k || which == fused::d_v;
}

// What a plan depends on.
struct fused_shape {
  bool backward = false;
  std::int64_t sequences = 0, heads = 0, width = 0;  // width: of a head
  std::int64_t q_longest = 0, kv_longest = 0, q_rows = 0,
               kv_rows = 0;  // q_rows, kv_rows: of the batch, at most; 0 in forward, which does not ask
  float scale = 1;
  fused_array<std::int64_t> stride{};  // from row to row, in numbers; 0: no such matrix
  auto operator<=>(const fused_shape&) const = default;
};

struct fused_call {
  fused_shape shape;
  // All of the device.
  fused_array<void*> data{};
  fused_array<const std::int32_t*> first{};                      // (sequences + 1): where a sequence begins, in numbers
  const std::int32_t *q_length = nullptr, *kv_length = nullptr;  // (sequences), in rows
};

// The bucket of these matrices, in forward or, with d_o, in backward; nothing where cuDNN's attention does not take them, or what it would
// write is not known: rows that begin at no 16 bytes, heads beyond 128 numbers, sequences of which one side alone has rows, more than 2^31 numbers.
std::optional<fused_shape> fused_shape_of(const attention_input&, const fused_array<const_view>&);

class fused_attention {
public:
  virtual ~fused_attention() = default;
  // Queued on its stream, not waited for. The first call of a shape compiles its plan, which takes part of a second. unavailable, with cuDNN's
  // reason, where cuDNN has no plan.
  virtual status run(const fused_call&) = 0;
};

// On this stream of the current device, which outlives the object. unavailable: the plug-in was built without cuDNN's headers, or the library
// is not on this machine.
result<std::unique_ptr<fused_attention>> make_fused_attention(cudaStream_t);

}  // namespace argosy::cuda

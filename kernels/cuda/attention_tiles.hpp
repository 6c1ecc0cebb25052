// Attention of bfloat16 rows on tensor cores, for sequences of at most 64 rows and heads of 32 or 64 numbers; what does not fit takes the way
// of attention.cu. A block holds one head of one sequence whole: its keys and values, and in backward its queries and d_o, in shared memory,
// its scores in registers, 16 rows a warp.
#pragma once

#include "kernels/attention.hpp"
#include "kernels/cuda/launch.hpp"
#include "kernels/cuda/longest.hpp"

namespace argosy::cuda {

template <class T>
struct heads {
  matrix<const T> q, k, v;
  const std::int32_t *q_offset, *kv_offset;
  int width;  // of a head
  float scale;
};

// One head of one sequence. `rows`: whose results the block makes; `others`: what passes by.
struct place {
  std::int64_t first, count, first_other, others, column;
};

__device__ inline place place_of(const std::int32_t* offset, const std::int32_t* other_offset, int width) {
  const auto b = blockIdx.x;
  return {offset[b], offset[b + 1] - offset[b], other_offset[b], other_offset[b + 1] - other_offset[b],
          static_cast<std::int64_t>(blockIdx.y) * width};
}

template <class T>
struct gradients {
  matrix<const T> o, d_o;
  matrix<const float> lse;
  matrix<T> d_q, d_k, d_v;
};

// Whether the tiles take these matrices: bfloat16, 16-byte rows.
bool fits_tiles(const attention_input&, const_view o);
status attend_in_tiles(cudaStream_t, const attention_input&, const heads<bf16>&, matrix<bf16> o, matrix<float> lse);
// `fits_tiles` of d_o and the gradients too.
status attend_in_tiles_backward(cudaStream_t, const attention_input&, const heads<bf16>&, const gradients<bf16>&);

}  // namespace argosy::cuda

// Factors of 8-bit products (compute::fp8): matrices of e4m3 numbers, and of e5m2 for gradients, each with one scale (Micikevicius et al.,
// arXiv:2209.05433), which is that of past steps (delayed scaling).
//     byte = round(x * scale)      scale = the largest power of two by which the largest |x| of the last 16 matrices stays in range
// Letters   a linear map has three matrices: its input x, its weight, the gradient d_y of its output. R rows, C columns.
// Scales    belong to the linear map, by its weight's address. The first matrix is read once more, for its own scale. They are not
//           part of checkpoints: a resumed run begins with new ones. A power of two, so that what e4m3 holds exactly stays exact.
// Range     what is beyond 448 (e4m3) or 57,344 (e5m2) after scaling becomes that; infinity becomes NaN, so that AdamW skips the step.
// Threads   one.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstdint>
#include <map>

#include "base/status.hpp"
#include "kernels/tensor.hpp"

namespace argosy::cuda {

// Rows one after the other; a number is its byte's times *unit, which is in the device's memory.
struct fp8_matrix {
  const std::uint8_t* data = nullptr;
  std::int64_t rows = 0, cols = 0;
  bool is_gradient = false;  // e5m2
  const float* unit = nullptr;
};

struct fp8_scale;  // fp8.cu
enum class fp8_role : std::uint8_t { x, weight, d_y };

class fp8_factors {
public:
  static constexpr std::int64_t multiple = 16;  // of cuBLASLt: the columns of a factor

  explicit fp8_factors(cudaStream_t on) noexcept : stream_(on) {}
  fp8_factors(const fp8_factors&) = delete;
  fp8_factors& operator=(const fp8_factors&) = delete;
  ~fp8_factors();

  // Whether these rows can be rounded: bfloat16 that begins at 16 bytes, C a multiple of 16.
  static bool takes(const const_view&) noexcept;

  struct wanted {
    bool rows = false, columns = false;
    bool measure = false;  // the matrix counts among the last 16: once for each
  };
  struct made {
    fp8_matrix rows;     // (R, C)
    fp8_matrix columns;  // (C, R), and zeros up to a multiple of 16
  };
  // Valid until the next matrix of that role. REQUIRES takes().
  result<made> round(const void* weight, fp8_role, const const_view& from, const wanted&);

private:
  struct buffer {
    void* memory = nullptr;
    std::int64_t bytes = 0;
  };
  struct scales_of_map {
    fp8_scale* memory = nullptr;  // three
    std::array<bool, 3> measured{};
  };
  result<std::uint8_t*> room(buffer&, std::int64_t bytes);

  cudaStream_t stream_;
  std::map<const void*, scales_of_map> scales_;
  std::array<buffer, 3> rows_, columns_;
};

}  // namespace argosy::cuda

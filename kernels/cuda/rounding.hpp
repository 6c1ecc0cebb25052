// bfloat16 copies of float32 numbers, for products whose rows are bfloat16.
//   weight()   of a parameter: its whole allocation is copied once, AdamW keeps the copy up to date in the pass that it makes anyway, and an
//              upload makes the next product copy it again. So do move_rows and NCCL. Nothing else may write to memory whose weight was asked for.
//   rows()     of anything else: copied each time, into one of three buffers that grow.
// Threads   memory may be given back by any thread; all else belongs to the device's.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "base/status.hpp"
#include "kernels/cuda/bf16.hpp"
#include "kernels/tensor.hpp"

namespace argosy::cuda {

// Every float32 or other allocation of one device, and the copies of those that have one.
class allocations {
public:
  struct copy {
    std::byte* memory = nullptr;  // of the device; null: none
    bool fresh = false;
  };
  struct block {
    std::size_t bytes = 0;
    copy rounded = {};
  };
  void took(std::byte* memory, std::size_t bytes);
  void gave_back(std::byte* memory) noexcept;
  // The allocation that `at` lies in, or null; its entry stays where it is until it is given back.
  std::pair<std::byte* const, block>* holding(const void* at) noexcept;

private:
  std::mutex mutex_;
  std::map<std::byte*, block> blocks_;
};

class rounding {
public:
  rounding(cudaStream_t on, std::shared_ptr<allocations> all) noexcept : stream_(on), all_(std::move(all)) {}
  rounding(const rounding&) = delete;
  rounding& operator=(const rounding&) = delete;
  ~rounding();

  // `place`: the buffer, where it is no parameter of this device.
  result<const_view> weight(const_view, int place);
  // `place` 0 .. 2: which buffer.
  result<const_view> rows(const_view, int place);
  // Where AdamW writes the copy of a parameter; null when it has none.
  bf16* copy_of(const_view parameter) noexcept;
  void uploaded(const_view) noexcept;

private:
  status round(const_view from, bf16* to);

  cudaStream_t stream_;
  std::shared_ptr<allocations> all_;
  struct buffer {
    void* memory = nullptr;
    std::int64_t numbers = 0;
  } buffers_[3];
};

}  // namespace argosy::cuda

// Lists of numbers of the host, copied to where kernels read them: indices, offsets, ids, pixels. The copy is done when the call returns and
// reaches the device in the order of its stream; nobody waits for it.
// Repeats   a list that is still there with the same content is not copied again: the offsets of a packing reach the device once a step.
// Memory    three parts take turns. Before a part is used anew the host waits until the device has passed the point where the part after it
//           was left: by then every kernel that reads the old lists has run. A list larger than a part makes all three grow.
// Threads   one.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/status.hpp"

namespace argosy::cuda {

class staging {
public:
  explicit staging(cudaStream_t on) noexcept : stream_(on) {}
  staging(const staging&) = delete;
  staging& operator=(const staging&) = delete;
  ~staging();

  // The device's copy, for work put on the stream before two more parts are filled: for one operator, whose lists fit one part.
  template <class T>
  result<const T*> copy(std::span<const T> of) {
    ARGOSY_ASSIGN(const std::byte* placed, place(std::as_bytes(of)));
    return reinterpret_cast<const T*>(placed);
  }

private:
  struct entry {
    std::size_t at, bytes;
  };
  struct part {
    std::byte *host = nullptr, *device = nullptr;
    std::size_t used = 0;
    std::vector<entry> entries;
    cudaEvent_t left = nullptr;
    bool was_left = false;
  };
  using parts = std::array<part, 3>;
  result<const std::byte*> place(std::span<const std::byte>);
  const std::byte* found(const part&, std::span<const std::byte>) const noexcept;
  status grow(std::size_t bytes);
  status turn();
  static void release(parts&) noexcept;

  cudaStream_t stream_;
  parts parts_{}, outgrown_{};  // outgrown: lists of the operator that is being put together may lie there
  std::size_t now_ = 0, part_bytes_ = 0;
};

}  // namespace argosy::cuda

// NCCL's functions as net/nccl_group.hpp needs them: of the library that the CUDA plug-in opens (kernels/cuda/nccl.cpp), or of a test.
// Communicators do not block: what a call began may be under way when it answers `in_progress`, and state() says when it has ended.
// Devices   of one GPU: the one that the communicator was made with, or the one beside it.
// Streams   an operation takes its place in the device's stream, behind all work that was asked for before; work that is asked for later
//           comes after it. is_idle() says when all of it is done. Between group_start and group_end operations are noted, and begin together.
// Threads   one at a time for a communicator and its device.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.hpp"
#include "kernels/device.hpp"

namespace argosy {

// NCCL's own numbers; those without a name here are failures too.
enum class nccl_said : int { success = 0, system_error = 2, remote_error = 6, in_progress = 7 };

using nccl_id = std::array<std::byte, 128>;   // of a communicator to be
using gpu_mark = std::array<std::byte, 16>;   // of a GPU, unlike those of all others
using nccl_communicator = struct nccl_rank*;  // one rank of one

enum class nccl_operation : std::uint8_t { all_gather, all_reduce, reduce_scatter, broadcast, reduce };
constexpr std::string_view name_of(nccl_operation of) noexcept {
  constexpr std::array<std::string_view, 5> names{"ncclAllGather", "ncclAllReduce", "ncclReduceScatter", "ncclBroadcast", "ncclReduce"};
  return names[static_cast<std::size_t>(of)];
}

// Numbers in the device's memory, one after the other. Reductions are sums.
struct nccl_work {
  const void* from = nullptr;
  void* to = nullptr;
  std::size_t count = 0;  // that each rank brings; of reduce_scatter: that each gets
  dtype type = dtype::f32;
  int root = 0;  // of broadcast and reduce
};

class nccl_calls {
public:
  virtual ~nccl_calls() = default;
  virtual int version() const = 0;  // 22809: 2.28.9
  // invalid_argument: no GPU's device.
  virtual result<gpu_mark> gpu_of(device&) = 0;
  virtual result<bool> is_idle(device&) = 0;

  virtual nccl_said get_unique_id(nccl_id&) = 0;
  // `made` is null where nothing is to be aborted.
  virtual nccl_said init_rank(nccl_communicator& made, int size, const nccl_id&, int rank, device&) = 0;
  virtual nccl_said state(nccl_communicator) = 0;
  virtual nccl_said enqueue(nccl_operation, const nccl_work&, nccl_communicator, device&) = 0;
  virtual nccl_said group_start() = 0;
  virtual nccl_said group_end() = 0;
  // Flushes; then destroy. Or abort, at any time, which ends what is under way. After either the communicator is not used any more.
  virtual nccl_said finalize(nccl_communicator) = 0;
  virtual nccl_said destroy(nccl_communicator) = 0;
  virtual nccl_said abort(nccl_communicator) = 0;
  // In NCCL's words; the communicator may be null.
  virtual std::string error_text(nccl_said, nccl_communicator) = 0;
};

inline std::string nccl_version_text(int version) {
  return std::to_string(version / 10000) + '.' + std::to_string(version / 100 % 100) + '.' + std::to_string(version % 100);
}

}  // namespace argosy

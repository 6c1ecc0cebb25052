// Collectives: tensors between the workers of a job. In one process by threads (net/in_process.cpp), between processes by Gloo
// (net/gloo_group.hpp); of devices by the memory that they share (net/on_device.hpp), or between GPUs by NCCL (net/nccl_group.hpp).
// Order     every rank calls the same operations in the same order. A sum has the same bits on every rank. Over threads, one device's memory
//           and Gloo it is taken in the order of the ranks: the same bits in every run, and over any of the three. NCCL chooses its own order.
// Threads   one object a rank, used by its thread; abort() from any thread.
// Errors    aborted when somebody cut the group (an abort goes round the mailboxes: a worker inside a collective cannot read one), or a rank
//           was lost;
//           shape_mismatch, on all ranks, when the ranks disagree about sizes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "kernels/tensor.hpp"

namespace argosy {

class device;

// Cuts every rank of a group out of whatever it waits in; of ranks in other processes those that need this one. Shared; idempotent; thread-safe.
class abort_handle {
public:
  virtual ~abort_handle() = default;
  virtual void abort(status reason) = 0;
};

class collective {
public:
  virtual ~collective() = default;
  virtual int rank() const noexcept = 0;
  virtual int size() const noexcept = 0;

  // Rows of all ranks one below the other, in the order of the ranks. Counts may differ (`rows_of` from gather_counts).
  virtual status all_gather(const_view mine, std::span<const std::int64_t> rows_of, view all) = 0;
  virtual status all_gather(std::span<const std::byte> mine, std::span<const std::int64_t> bytes_of, std::span<std::byte> all) = 0;
  // Bytes of all ranks at one of them: `all` of the others is not looked at.
  virtual status gather(std::span<const std::byte> mine, std::span<const std::int64_t> bytes_of, int root, std::span<std::byte> all) = 0;
  // One number a rank.
  virtual result<std::vector<std::int64_t>> gather_counts(std::int64_t mine) = 0;
  // x = sum of x over ranks.
  virtual status all_reduce(view x) = 0;
  // The adjoint of all_gather: mine = sum over ranks of their `all`'s rows that belong to this rank.
  virtual status reduce_scatter(const_view all, std::span<const std::int64_t> rows_of, view mine) = 0;
  virtual status broadcast(view x, int root) = 0;
  // The same rank for tensors of a device beside that of this group, whose work alone it comes after: used instead of this one for a while,
  // by any one thread, not while an operation of this one is under way. `on` outlives it. Null: there is none.
  virtual std::unique_ptr<collective> beside([[maybe_unused]] device& on) { return nullptr; }
  virtual std::shared_ptr<abort_handle> aborter() const = 0;
  // ok, or why the group was cut or which rank was lost; one that left in peace is not lost. Does not wait; from any thread.
  virtual status whole() const = 0;
};

// `size` ranks in this process.
std::vector<std::unique_ptr<collective>> make_in_process_group(int size);

}  // namespace argosy

// Collectives of GPUs, by NCCL: each rank has a GPU of its own, and is a process (`host` over Gloo) or a thread (`host` of this process).
// Host      float64 numbers, which are the host's, bytes and counts go through `host`. So does the communicator's id, which rank 0 makes: `host`
//           has met already and its members have proved themselves, so nobody else has to hand it out.
// Shapes    are compared through `host` before NCCL is called, which would hang where they disagree: two rounds an operation.
// Rows      equal ones go by ncclAllGather and ncclReduceScatter, others by a broadcast or a sum a rank, in one NCCL group: what PyTorch does
//           with uneven lists. Not measured here. Matrices with gaps between their rows are copied together and apart on the device.
// Sums      are NCCL's: of all_reduce the same bits on every rank (nccl.h: "identical copies"), but in an order that NCCL chooses, so not those
//           of threads or Gloo, and of nothing promised from run to run. Those of bfloat16 are rounded on the way.
// Stream    an operation takes its place behind the device's work and is done when the call returns: who waits has to see an abort, and a stream
//           that waits for a rank that is gone would not. Copies apart may still be queued then; the device's next operators come after them.
// Beside    a group beside shares the communicator: NCCL runs the operations of one after the other, on whichever stream.
// Abort     aborter() is the host's. Who waits for NCCL looks at host.whole() between two questions, so an abort, and a rank of another process that
//           dies, end it: its own thread calls ncclCommAbort, once, because a communicator is for one thread at a time. After an
//           error of NCCL it does the same, and cuts the host. Nobody shrinks a communicator: a job forms another group, with another one.
// Errors    of `host`, and of NCCL with the call's name: aborted when another rank failed, otherwise unavailable.
// Time      joining has a limit, and leaving: 5 s for the others to leave too, then the communicator is aborted. Operations have none of their
//           own; host.whole() and abort() end them.
// Threads   as net/collective.hpp says; the device is used by the calling thread.
// Network   NCCL's own connections are neither encrypted nor do their ends prove themselves beyond knowing the id: docs/cluster.md.
#pragma once

#include <chrono>
#include <memory>

#include "kernels/device.hpp"
#include "kernels/nccl.hpp"
#include "net/collective.hpp"

namespace argosy {

// Called by all ranks. Device and calls outlive the group. invalid_argument: another rank is on this one's GPU; version_mismatch: rank 0 has
// another NCCL; to the other ranks of the group the same is aborted. unavailable: NCCL itself, also when it does not join within that time.
result<std::unique_ptr<collective>> make_nccl_group(std::unique_ptr<collective> host, device& on, nccl_calls&,
                                                    std::chrono::milliseconds to_join = std::chrono::seconds(25));

}  // namespace argosy

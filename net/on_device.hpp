// Collectives of tensors in devices' memory, for ranks of one process whose devices read each other's memory: several workers on one GPU.
// The ranks tell each other through `host` where their tensors lie; each then reads those of the others with its own device.
//     all_reduce      every rank sums one part of the columns over the ranks, in their order, and reads the other parts from the ranks that
//                     summed them: the same bits on every rank
// Numbers of the host, which are float64, and bytes go through `host` as they are.
// Errors    those of `host` and of the device; shape_mismatch, on all ranks, when shapes disagree.
// Threads   as net/collective.hpp says; the device is used by the calling thread.
#pragma once

#include <memory>

#include "kernels/device.hpp"
#include "net/collective.hpp"

namespace argosy {

// The device outlives the group.
std::unique_ptr<collective> make_device_group(std::unique_ptr<collective> host, device& on);

}  // namespace argosy

// On which devices the workers of a job compute, and how their tensors go between them. Decided here from names and numbers; opens nothing.
//     one process   "cpu"      all on the CPU
//                   "cuda"     several workers have a GPU each, worker r cuda:r, where there are as many GPUs; otherwise all share the first
//                   "cuda:1"   all share that one
//     nodes         each on the device that it names; of a job all on CPUs or all on GPUs, which exchange by NCCL
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"

namespace argosy {

struct worker_places {
  std::vector<std::string> device_of;  // by worker
  bool gpu_each = false;
};
worker_places place_workers(std::string_view device, int workers, std::size_t gpus);
// "2 workers on cuda:0, cuda:1" ; "2 workers share cuda".
std::string text_of(const worker_places&);

bool is_gpu(std::string_view device) noexcept;

// A node on `device` in a job whose recipe says `of_job`; `nccl`: why there is none. invalid_argument; unavailable.
status check_node_device(std::string_view device, std::string_view of_job, const status& nccl);

enum class exchange_way : std::uint8_t {
  by_host,    // the device's memory is the host's
  by_memory,  // one rank, or ranks of one process on one GPU (net/on_device.hpp)
  by_nccl,    // ranks on a GPU each
};
exchange_way exchange_of(bool host_reads, int ranks, bool gpu_each) noexcept;

}  // namespace argosy

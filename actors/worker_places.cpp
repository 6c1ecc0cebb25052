#include "actors/worker_places.hpp"

namespace argosy {

bool is_gpu(std::string_view device) noexcept { return device != "cpu"; }

worker_places place_workers(std::string_view device, int workers, std::size_t gpus) {
  worker_places made;
  made.gpu_each = device == "cuda" && workers > 1 && static_cast<std::size_t>(workers) <= gpus;
  for (int r = 0; r < workers; ++r) made.device_of.push_back(made.gpu_each ? "cuda:" + std::to_string(r) : std::string(device));
  return made;
}

std::string text_of(const worker_places& of) {
  const std::size_t workers = of.device_of.size();
  if (workers == 1) return "1 worker on " + of.device_of[0];
  std::string text = std::to_string(workers) + " workers ";
  if (!of.gpu_each) return text + "share " + of.device_of[0];
  for (std::size_t r = 0; r < workers; ++r) text += (r == 0 ? "on " : ", ") + of.device_of[r];
  return text;
}

status check_node_device(std::string_view device, std::string_view of_job, const status& nccl) {
  if (is_gpu(device) != is_gpu(of_job))
    return {errc::invalid_argument, "--device " + std::string(device) + ": the job's recipe has train.device = \"" + std::string(of_job) +
                                        "\", and nodes of a job are all on CPUs or all on GPUs"};
  return is_gpu(device) ? nccl.within("device " + std::string(device) + ": nodes on GPUs exchange by NCCL") : status{};
}

exchange_way exchange_of(bool host_reads, int ranks, bool gpu_each) noexcept {
  if (host_reads) return exchange_way::by_host;
  return ranks > 1 && gpu_each ? exchange_way::by_nccl : exchange_way::by_memory;
}

}  // namespace argosy

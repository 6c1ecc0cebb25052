#include "actors/job_process.hpp"
#include "base/log.hpp"
#include "tools/commands.hpp"

namespace argosy {

status run_worker(const worker_options& options, const console& io) {
  ARGOSY_ASSIGN(prepared_data data, prepared_data::open(options.data));
  return run_job_node({.data = std::make_shared<const prepared_data>(std::move(data)),
                       .run = options.run,
                       .initial = options.initial,
                       .coordinator = options.join,
                       .credentials = options.credentials,
                       .tensors = options.tensors,
                       .device = options.device,
                       .threads = options.threads,
                       .remark = [](const std::string& remark) { log::info(remark); }},
                      io.stop);
}

}  // namespace argosy

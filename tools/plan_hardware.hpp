// The hardware of `argosy plan` (tools/step_model.hpp): assumed of a GPU, or measured, from a JSON file that tests/bench/cluster/scaling.py writes:
//     {"product_flops": 2e10, "loss_flops": 2e10, "memory_bytes": 5e9, "row_bytes": 4, "spread": 0.02, "overlap": 0, "algorithm": "direct",
//      "within": {"latency_s": 1e-4, "bytes_per_s": 1e9}, "between": {...}, "per_machine": 4, "cores": 2, "threads": 1, "crowded": 1.2}
// algorithm: ring or direct. Without `between` it is `within`; overlap, spread and cores may be left out: 0; threads and crowded: 1.
// Errors    not_found and io_error of the file; corrupt with the key, what was wanted and what was there; unknown keys are refused.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tools/gpu_assumptions.hpp"
#include "tools/step_model.hpp"

namespace argosy {

hardware hardware_of(const gpu_assumptions&) noexcept;
// A line each: what is assumed, and how much.
std::vector<std::pair<std::string, std::string>> lines_of(const gpu_assumptions&);

result<hardware> read_hardware(const std::filesystem::path&);

}  // namespace argosy

// Other people's indexes over the same vectors and queries, by tests/bench/index/peers.py: a point is a line of JSON that it prints.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "kernels/tensor.hpp"
#include "tools/index_sweep.hpp"

namespace argosy {

// A row of `argosy bench index`.
struct measured_index {
  std::string index, setting;
  double recall = 0, queries_per_s = 0, bytes_per_vector = 0, build_s = 0, open_s = 0;
};

struct peers_job {
  std::filesystem::path script, folder;  // of peers.py; where vectors are laid for it
  std::string python, only;              // only: names with commas between them; empty: all
  std::size_t k;
  int threads;
};
// What it measured; those that are not installed are told to `absent`. unavailable when the script or Python does not run.
result<std::vector<measured_index>> run_peers(const peers_job&, const_view vectors, const_view queries, const exact_rows& exact,
                                              const std::function<void(const std::string& name, const std::string& why)>& absent);

}  // namespace argosy

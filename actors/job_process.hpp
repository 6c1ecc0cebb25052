// A node of a job, from the outside: one process with a worker (actors/node_worker.hpp) and who speaks for it (actors/job_node.hpp).
// Errors  invalid_argument: an address, or one beyond this machine without credentials; what the data says; what the coordinator refused it
//         for: version_mismatch, invalid_argument.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "actors/training.hpp"
#include "net/node_credentials.hpp"

namespace argosy {

struct node_job {
  std::shared_ptr<const prepared_data> data;
  std::filesystem::path run;           // where its checkpoints go; may be the coordinator's, or any folder that all nodes see
  std::filesystem::path initial = {};  // the weights that the job's encoders start from; empty: none
  std::string coordinator;             // HOST:PORT
  node_credentials credentials;
  std::string tensors = "127.0.0.1";  // this machine's address, for the tensors of the others
  std::string device;                 // empty: the recipe's
  int threads = 0;                    // 0: the recipe's
  std::function<void(const std::string&)> remark = nullptr;
};

// Returns at the end of the job, or after leaving it.
status run_job_node(const node_job&, const std::stop_token&);

}  // namespace argosy

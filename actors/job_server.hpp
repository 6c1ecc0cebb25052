// A job of many nodes, from the outside: its coordinator, a node of it, and how it stands. Each is a process; the control plane between them is
// CAF's middleman, between machines through tunnels of TLS (net/tls_tunnel.hpp).
// Errors  of both: invalid_argument: an address, or one beyond this machine without credentials; unavailable: the port; what the ledger and the
//         data say. Of a node also what the coordinator refused it for: version_mismatch, invalid_argument.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "actors/job_book.hpp"
#include "actors/training.hpp"
#include "net/node_credentials.hpp"

namespace argosy {

struct coordinator_job {
  std::shared_ptr<const prepared_data> data;
  argosy::recipe recipe;
  std::filesystem::path run;  // ledger and metrics
  std::string listen;         // HOST:PORT, port 0: any
  node_credentials credentials;
  std::size_t nodes = 0, least = 1;  // as in job_settings
  job_times times = {};
  std::function<void(const std::string&)> listening = nullptr;  // at that address
  std::function<void(const std::string&)> remark = nullptr;     // from the coordinator's thread
};

// Goes on with the job of the run's ledger, or begins one. `show` as run_training's.
result<training_end> run_job_coordinator(const coordinator_job&, const std::function<void(const training_progress&)>& show,
                                         const std::stop_token&);

struct node_job {
  std::shared_ptr<const prepared_data> data;
  std::filesystem::path run;  // where its checkpoints go; may be the coordinator's, or any folder that all nodes see
  std::string coordinator;    // HOST:PORT
  node_credentials credentials;
  std::string tensors = "127.0.0.1";  // this machine's address, for the tensors of the others
  std::string device;                 // empty: the recipe's
  int threads = 0;                    // 0: the recipe's
  std::function<void(const std::string&)> remark = nullptr;
};

// Returns at the end of the job, or after leaving it.
status run_job_node(const node_job&, const std::stop_token&);

// How the job stands, as JSON: docs/cluster.md.
result<std::string> ask_standing(const std::string& coordinator, const node_credentials&, std::chrono::milliseconds patience);

}  // namespace argosy

// The coordinator of a job of many nodes, from the outside. It and each node (actors/job_process.hpp) is a process; the control plane between
// them is CAF's middleman, between machines through tunnels of TLS (net/tls_tunnel.hpp).
// Errors  invalid_argument: an address, or one beyond this machine without credentials; unavailable: the port; what the ledger and the data say.
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
  std::filesystem::path run;           // ledger and metrics
  std::filesystem::path initial = {};  // weights that a job that begins starts its encoders from; empty: none
  std::string listen;                  // HOST:PORT, port 0: any
  node_credentials credentials;
  std::size_t nodes = 0, least = 1;  // as in job_settings
  bool without_checkpoint = false;   // the ledger's last one is lost: goes on from the newest that a node has, or begins
  job_times times = {};
  std::function<void(const std::string&)> listening = nullptr;  // at that address
  std::function<void(const std::string&)> remark = nullptr;     // from the coordinator's thread
};

// Goes on with the job of the run's ledger, or begins one. `show` as run_training's.
result<training_end> run_job_coordinator(const coordinator_job&, const std::function<void(const training_progress&)>& show,
                                         const std::stop_token&);

}  // namespace argosy

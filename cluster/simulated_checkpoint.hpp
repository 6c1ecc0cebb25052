// Checkpoints of a node on its simulated disk, by the calls that the real ones make in their order: write_checkpoint, set_aside_newer and
// prune_checkpoints of model/checkpoint.cpp, folder_writer of schema/folder.cpp. Killed between any two, the disk has what a real one would.
//   run/checkpoints/NNNNNNNN/   facts, model, bank-R, and MANIFEST with the bytes and the checksum of each
// Threads  one.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "actors/job_protocol.hpp"
#include "cluster/simulated_disk.hpp"

namespace argosy {

struct pushed_products {
  std::uint64_t step;
  group_id group;
  bool operator==(const pushed_products&) const = default;
};
using simulated_bank = std::vector<pushed_products>;  // the oldest first

struct simulated_checkpoint {
  job_mark mark;
  std::vector<group_id> steps;        // which group trained each
  std::vector<simulated_bank> banks;  // by rank
  bool operator==(const simulated_checkpoint&) const = default;
};

class checkpoint_write {
public:
  checkpoint_write(simulated_disk&, simulated_checkpoint, const std::string& writer);
  // The next call. After a failure the rest is to be left: what was begun is removed.
  status step();
  bool done() const noexcept { return left_.empty(); }
  const job_mark& mark() const noexcept { return of_.mark; }

private:
  void put(const std::string& name, const std::string& content);
  void seal();
  void first(std::vector<std::function<status()>> steps);
  void set_aside_newer();
  void prune();
  void remove_those_that_go();

  simulated_disk& disk_;
  simulated_checkpoint of_;
  std::string target_, partial_;
  std::vector<std::string> files_;
  std::deque<std::function<status()>> left_;
};

// The run's folder, which everything else takes for granted.
status make_run(simulated_disk&);
// As actors/job_server.cpp finds and reads them.
std::optional<job_mark> newest_checkpoint(const simulated_disk&);
result<simulated_checkpoint> read_marked(const simulated_disk&, const job_mark&);

}  // namespace argosy

// The ledger of a simulated job: the bytes of actors/job_ledger.hpp on a simulated disk, written as schema/journal.cpp writes and read back by
// its own code, with what a machine that lost its power left of them. Whoever opens it has its lock.   Threads  one.
#pragma once

#include <vector>

#include "actors/job_ledger.hpp"
#include "cluster/simulated_disk.hpp"

namespace argosy {

class simulated_ledger {
public:
  // The term of whoever opens it is there, and lasts once it is synced. Errors: those of job_ledger.
  static result<simulated_ledger> open(simulated_disk&, const job_facts&);
  const ledger_content& past() const noexcept { return past_; }
  // Takes out what it has written; true when nobody may act on it before sync().
  result<bool> write(std::vector<job_entry>&);
  void sync();

private:
  explicit simulated_ledger(simulated_disk& disk) : disk_(&disk) {}
  status append(std::span<const std::byte>);

  simulated_disk* disk_;
  ledger_content past_;
  std::uint64_t end_ = 0;
};

// As it stands.
result<ledger_content> read_ledger(const simulated_disk&);

}  // namespace argosy

// Which group trained which step of a job, as it stands: a group that begins before the end of the one before takes back the steps after its
// beginning. The ledger of a job is its lineage: each step once.   Threads  one.
#pragma once

#include <span>
#include <vector>

#include "actors/job_protocol.hpp"

namespace argosy {

class lineage {
public:
  // Of the job: different jobs have different marks.
  explicit lineage(std::uint64_t job) noexcept : beginning_{0, job} {}

  // What a replica is marked with that has done so many steps: those beyond the last group's beginning in that group.
  job_mark at(std::uint64_t steps_done) const noexcept;
  // Whether such a replica is one of this history.
  bool has(const job_mark& mark) const noexcept { return mark == at(mark.steps_done); }

  // REQUIRES has(from).
  void begin(group_id, const job_mark& from);
  group_id group_of(std::uint64_t step) const noexcept;  // 0: none yet

  struct part {
    group_id group;
    job_mark from;
  };
  std::span<const part> parts() const noexcept { return parts_; }

private:
  job_mark beginning_;
  std::vector<part> parts_;  // `from` rises
};

}  // namespace argosy

// NCCL over threads and the host's memory, as kernels/nccl.hpp says it is: calls that answer before they are done, operations that run only once
// all ranks have begun them and somebody asked a few times, groups, sums in an order of its own (from the last rank to the first).
// Ranks that bring different operations wait for ever, as do those whose peer is gone. What NCCL forbids is written down, and is a failed test.
// Threads  any.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kernels/nccl.hpp"

namespace argosy::test {

class fake_nccl final : public nccl_calls {
public:
  explicit fake_nccl(int version = 22809);
  ~fake_nccl() override;

  // A device's GPU is its own unless it is told that of another.
  void put_on_gpu_of(const device& one, const device& other);
  void make_no_gpu(const device&);
  // That call of that rank says so, once; instead of what it should do.
  void fail(std::string call, int rank, nccl_said);
  // The next operation of that rank does not end, and its state is that after a few questions.
  void fail_later(int rank, nccl_said);
  // Operations begin and do not end.
  void stall();
  // Until so many ranks have asked after an operation that is under way.
  void wait_until_waiting(int ranks);

  std::vector<std::string> misuse() const;
  std::vector<nccl_id> ids() const;  // that ranks brought
  int made() const;
  int destroyed() const;
  int aborted() const;
  std::vector<nccl_operation> operations_of(int rank) const;

  int version() const override { return version_; }
  result<gpu_mark> gpu_of(device&) override;
  result<bool> is_idle(device&) override;
  nccl_said get_unique_id(nccl_id&) override;
  nccl_said init_rank(nccl_communicator&, int size, const nccl_id&, int rank, device&) override;
  nccl_said state(nccl_communicator) override;
  nccl_said enqueue(nccl_operation, const nccl_work&, nccl_communicator, device&) override;
  nccl_said group_start() override;
  nccl_said group_end() override;
  nccl_said finalize(nccl_communicator) override;
  nccl_said destroy(nccl_communicator) override;
  nccl_said abort(nccl_communicator) override;
  std::string error_text(nccl_said, nccl_communicator) override;

private:
  struct group_of_thread;
  static group_of_thread& here();
  bool is_misused(nccl_communicator, const char* call);
  nccl_said scripted(const std::string& call, int rank, nccl_said otherwise);
  nccl_said begin(nccl_communicator);
  void run_what_can(nccl_communicator);

  int version_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<nccl_rank>> ranks_;  // kept, so that what is used after its end is known
  std::map<const device*, const device*> gpu_of_;
  std::map<std::string, nccl_said> failures_;  // by call and rank
  std::map<int, nccl_said> late_failures_;
  std::vector<std::string> misuse_;
  std::vector<nccl_id> ids_;
  unsigned char made_ids_ = 0;
  bool stalled_ = false;
  int destroyed_ = 0, aborted_ = 0, open_groups_ = 0;
};

}  // namespace argosy::test

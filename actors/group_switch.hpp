// The way round the mailbox of a node's worker, which reads none while it is inside its group: cuts it out of that group, and of any older one
// that it is about to enter. And whether it waits there for others.   Threads  any.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "actors/job_protocol.hpp"
#include "net/collective.hpp"

namespace argosy {

class group_switch {
public:
  // Of all groups before `first`.
  void cut_before(group_id first);
  // aborted, and the group is cut, when it is one of those.
  status enter(group_id, std::shared_ptr<abort_handle>);
  bool exchanging() const noexcept { return exchanging_; }
  std::atomic<bool>& exchanging_flag() noexcept { return exchanging_; }

private:
  std::mutex mutex_;
  group_id first_ = 0, current_ = 0;
  std::shared_ptr<abort_handle> handle_;
  std::atomic<bool> exchanging_{false};
};

// The collective, which says so while it is inside an operation. The flag outlives it.
std::unique_ptr<collective> watched(std::unique_ptr<collective>, std::atomic<bool>& inside);

}  // namespace argosy

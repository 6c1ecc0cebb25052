// Groups over Gloo: their ranks as threads of this process, or as processes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/gloo_group.hpp"

namespace argosy::test {

// Members that have exchanged their addresses; fails the test when they do not meet.
std::vector<std::unique_ptr<collective>> make_gloo_group(int size, const node_credentials& = {},
                                                         std::chrono::milliseconds patience = std::chrono::minutes(1));

// A child process a rank: each has met the others and does `work`, which uses no Boost.Test macro. Forked from a process without threads of Gloo.
class gloo_processes {
public:
  using work = std::function<status(collective&)>;
  gloo_processes(int size, const work&);
  ~gloo_processes();  // kills who is still there
  gloo_processes(const gloo_processes&) = delete;
  gloo_processes& operator=(const gloo_processes&) = delete;

  pid_t id(int rank) const { return ids_[static_cast<std::size_t>(rank)]; }
  // What rank said when it ended, `ok` or its failure; `killed` when it was.
  std::string end_of(int rank);
  // Until the rank has said that it is somewhere: each call of `reached` in the work is one.
  void wait_until_reached(int rank);
  static void reached();

private:
  std::vector<pid_t> ids_;
  std::vector<int> from_, marks_;
};

}  // namespace argosy::test

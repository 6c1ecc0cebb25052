// Work that dies by kill -9 at some moment: in a forked child, which has only the calling thread.
#pragma once

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>

namespace argosy::test {

// Runs `work` over and over in a child until it is killed, `microseconds` after its start. `work` uses no Boost.Test macro.
template <class Work>
void kill_while(Work work, unsigned microseconds) {
  const pid_t child = ::fork();
  if (child == 0) {
    while (true) work();
  }
  BOOST_REQUIRE(child > 0);
  const timespec delay = {0, static_cast<long>(microseconds) * 1000};
  ::nanosleep(&delay, nullptr);
  ::kill(child, SIGKILL);
  int how = 0;
  BOOST_REQUIRE(::waitpid(child, &how, 0) == child);
  BOOST_TEST(WIFSIGNALED(how));
}

}  // namespace argosy::test

// Work that dies by kill -9 at some moment: in a forked child, which has only the calling thread.
#pragma once

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <random>

namespace argosy::test {

// Runs `work` over and over in a child until it is killed, after `delay`. `work` uses no Boost.Test macro.
template <class Work>
void kill_while(Work work, std::chrono::nanoseconds delay) {
  const pid_t child = ::fork();
  if (child == 0) {
    while (true) work();
  }
  BOOST_REQUIRE(child > 0);
  const timespec pause = {delay.count() / 1'000'000'000, delay.count() % 1'000'000'000};
  ::nanosleep(&pause, nullptr);
  ::kill(child, SIGKILL);
  int how = 0;
  BOOST_REQUIRE(::waitpid(child, &how, 0) == child);
  BOOST_TEST(WIFSIGNALED(how));
}

// So often, at random moments of what `work` takes when it is run once here, and three times that; calls `check` after each.
template <class Work, class Check>
void kill_at_random_moments(int times, Work work, Check check) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::nanoseconds once = std::chrono::steady_clock::now() - start;
  std::mt19937_64 random(7);
  for (int i = 0; i < times; ++i) {
    kill_while(work, std::chrono::nanoseconds(random() % (3 * static_cast<std::uint64_t>(once.count()))));
    check();
  }
}

}  // namespace argosy::test

#include "tools/interrupts.hpp"

#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <mutex>

using namespace argosy;

BOOST_AUTO_TEST_SUITE(interruption)

BOOST_AUTO_TEST_CASE(the_first_signal_asks_to_stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  const interrupts caught;
  BOOST_TEST(!caught.token().stop_requested());
  ::kill(::getpid(), SIGINT);
  std::unique_lock lock(mutex);
  changed.wait(lock, caught.token(), [] { return false; });
  BOOST_TEST(caught.token().stop_requested());
}

BOOST_AUTO_TEST_CASE(the_signals_of_before_come_back) {
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  { const interrupts caught; }
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  BOOST_TEST(sigismember(&before, SIGINT) == sigismember(&after, SIGINT));
  BOOST_TEST(sigismember(&after, SIGTERM) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

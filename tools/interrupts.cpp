#include "tools/interrupts.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "base/check.hpp"

namespace argosy {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction current {};
    sigaction(signal, nullptr, &current);
    if (current.sa_handler != SIG_IGN) sigaddset(&set, signal);
  }
  return set;
}

[[noreturn]] void die_of(int signal) {
  std::signal(signal, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  std::raise(signal);
  ::_exit(128 + signal);
}

}  // namespace

interrupts::interrupts() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, &before_);
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  wake_ = ::eventfd(0, EFD_CLOEXEC);
  ARGOSY_CHECK(signals_ >= 0 && wake_ >= 0);
  listener_ = std::thread([this] { listen(); });
}

interrupts::~interrupts() {
  const std::uint64_t one = 1;
  ARGOSY_CHECK(::write(wake_, &one, sizeof one) == sizeof one);
  listener_.join();
  ::close(signals_);
  ::close(wake_);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void interrupts::listen() {
  std::array<pollfd, 2> watched{{{signals_, POLLIN, 0}, {wake_, POLLIN, 0}}};
  while (true) {
    if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return;
    if (watched[1].revents != 0) return;
    signalfd_siginfo caught{};
    if (watched[0].revents == 0 || ::read(signals_, &caught, sizeof caught) != sizeof caught) continue;
    if (!source_.request_stop()) die_of(static_cast<int>(caught.ssi_signo));
  }
}

status interrupted(std::string_view what_is_left) { return {errc::aborted, "interrupted: " + std::string(what_is_left)}; }

void wait_for_stop(const std::stop_token& stop) {
  std::mutex lock;
  std::condition_variable_any asked;
  std::unique_lock held(lock);
  asked.wait(held, stop, [] { return false; });
}

}  // namespace argosy

// Another name of this machine for what the thread starts while this lives, where it may have one (root, outside of most containers).
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstring>
#include <string>

namespace argosy::test {

class machine_name {
public:
  explicit machine_name(const std::string& name) : before_(::open("/proc/thread-self/ns/uts", O_RDONLY | O_CLOEXEC)) {
    given_ = before_ >= 0 && ::unshare(CLONE_NEWUTS) == 0;
    if (!given_)
      BOOST_TEST_MESSAGE("skipped: no machine can be given another name here: " << std::strerror(errno));
    else
      BOOST_TEST_REQUIRE(::sethostname(name.data(), name.size()) == 0, std::strerror(errno));
  }
  ~machine_name() {
    if (given_) ::setns(before_, CLONE_NEWUTS);
    if (before_ >= 0) ::close(before_);
  }
  machine_name(const machine_name&) = delete;
  machine_name& operator=(const machine_name&) = delete;
  // False: the test that wants it has to be skipped, which has been said.
  explicit operator bool() const noexcept { return given_; }

private:
  int before_;
  bool given_ = false;
};

}  // namespace argosy::test

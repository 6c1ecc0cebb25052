// A disk that is soon full: a tmpfs of some bytes, where the process may mount one (root, outside of most containers).
#pragma once

#include <sys/mount.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "tests/support/folders.hpp"

namespace argosy::test {

class small_disk {
public:
  explicit small_disk(std::uint64_t bytes) {
    const std::string options = "size=" + std::to_string(bytes);
    mounted_ = ::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, options.c_str()) == 0;
    if (!mounted_) BOOST_TEST_MESSAGE("skipped: no tmpfs can be mounted here: " << std::strerror(errno));
  }
  ~small_disk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  // False: the test that wants it has to be skipped, which has been said.
  explicit operator bool() const noexcept { return mounted_; }
  const std::filesystem::path& path() const noexcept { return folder_.path(); }
  std::filesystem::path operator/(const std::filesystem::path& name) const { return folder_ / name; }

private:
  scratch_folder folder_;
  bool mounted_ = false;
};

}  // namespace argosy::test

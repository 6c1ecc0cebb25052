#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <system_error>

#include "tools/command_line.hpp"

namespace {

std::size_t columns_of(int file) {
  winsize size{};
  if (::isatty(file) != 1) return 0;
  return ::ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// OpenMP's threads spin for milliseconds when they wait for each other: where other work wants the cores, that more than doubled the time of
// `bench loss`. GNU's library reads how long from the environment before main begins, so the program starts once more with it.
void start_with_short_spins(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  std::error_code unknown;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", unknown);
  if (!unknown && ::setenv("GOMP_SPINCOUNT", "1000", 0) == 0) ::execv(self.c_str(), argv);
}

}  // namespace

int main(int argc, char** argv) {
  start_with_short_spins(argv);
  return argosy::run_command_line(argc, argv, {std::cin, std::cout, std::cerr, columns_of(STDERR_FILENO)});
}

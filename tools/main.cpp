#include <sys/ioctl.h>
#include <unistd.h>

#include <iostream>

#include "tools/command_line.hpp"

namespace {

std::size_t columns_of(int file) {
  winsize size{};
  if (::isatty(file) != 1) return 0;
  return ::ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

int main(int argc, char** argv) {
  return argosy::run_command_line(argc, argv, {std::cin, std::cout, std::cerr, columns_of(STDERR_FILENO)});
}

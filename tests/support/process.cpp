#include "tests/support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/support/folders.hpp"

extern char** environ;

namespace argosy::test {
namespace {

namespace fs = std::filesystem;

struct streams {
  fs::path in, out, err;
};

pid_t start(const std::vector<std::string>& arguments, const streams& files) {
  std::vector<std::string> all{ARGOSY_BINARY};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& argument : all) argv.push_back(argument.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, files.in.c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, files.out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, files.err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  // A shell has its jobs in the background ignore Ctrl-C, and what they start with them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, ARGOSY_BINARY, &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) throw std::runtime_error(std::string(ARGOSY_BINARY) + " does not start");
  return pid;
}

int exit_code_of(int wait_status) { return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status); }

int wait_for_end(pid_t pid) {
  int ended = 0;
  while (::waitpid(pid, &ended, 0) < 0) {
  }
  return exit_code_of(ended);
}

std::string content(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace

finished run_argosy(const std::vector<std::string>& arguments, const std::string& input) {
  const scratch_folder folder;
  const streams files{folder / "in", folder / "out", folder / "err"};
  std::ofstream(files.in, std::ios::binary) << input;
  const int code = wait_for_end(start(arguments, files));
  return {code, content(files.out), content(files.err)};
}

background_argosy::background_argosy(const std::vector<std::string>& arguments, const std::filesystem::path& err)
    : err_(err), pid_(start(arguments, {"/dev/null", "/dev/null", err})) {}

background_argosy::~background_argosy() {
  if (exit_code_) return;
  signal(SIGKILL);
  wait_for_end(pid_);
}

std::optional<int> background_argosy::wait_for(std::chrono::milliseconds limit) {
  if (exit_code_) return exit_code_;
  const int file = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  if (file < 0) throw std::runtime_error("pidfd_open failed");
  pollfd watched{file, POLLIN, 0};
  const auto until = std::chrono::steady_clock::now() + limit;
  int ready = -1;
  for (auto left = limit; ready < 0; left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()))
    ready = ::poll(&watched, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
  ::close(file);
  if (ready > 0) exit_code_ = wait_for_end(pid_);
  return exit_code_;
}

int background_argosy::wait() {
  if (const auto code = wait_for(std::chrono::minutes(5))) return *code;
  throw std::runtime_error("process " + std::to_string(pid_) + " has not ended within 5 minutes: " + content(err_));
}

void background_argosy::signal(int number) {
  if (!exit_code_) ::kill(pid_, number);
}

}  // namespace argosy::test

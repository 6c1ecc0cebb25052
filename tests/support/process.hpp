// Running the `argosy` binary as a user does.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace argosy::test {

struct finished {
  int exit_code = -1;  // 128 + signal when a signal ended it
  std::string out, err;
};

// `argosy ARGUMENTS...` to its end, with `input` as its standard input.
finished run_argosy(const std::vector<std::string>& arguments, const std::string& input = {});

// The same in the background, its output thrown away, what it says on standard error kept in `err`. Killed and waited for by its destructor.
class background_argosy {
public:
  explicit background_argosy(const std::vector<std::string>& arguments, const std::filesystem::path& err = "/dev/null");
  ~background_argosy();
  background_argosy(const background_argosy&) = delete;
  background_argosy& operator=(const background_argosy&) = delete;

  // The exit code when it ended within that time.
  std::optional<int> wait_for(std::chrono::milliseconds);
  int wait();  // throws after five minutes, with what it printed: a test that hangs says where
  void signal(int number);
  pid_t id() const noexcept { return pid_; }

private:
  std::filesystem::path err_;
  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

}  // namespace argosy::test

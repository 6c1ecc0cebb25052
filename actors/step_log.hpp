// A file of JSON lines about steps, each an object with a number `step`: RUN/metrics.jsonl, RUN/evaluation.jsonl.
// A run that goes on from a checkpoint first drops the lines of the steps that it will do again, and a line that was cut, so the series is
// that of a run that was never interrupted. Each line is handed to the system when it is written.   Threads  one.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.hpp"

namespace argosy {

class step_log {
public:
  // Keeps the lines of steps before `end`; makes the file, and the folder it is in, where they are missing. `kept` is shown each line that
  // stays, with its step, before anything is changed; what it refuses is refused with the file's name.
  using line_reader = std::function<status(std::uint64_t step, const std::string& line)>;
  static result<step_log> open(const std::filesystem::path& file, std::uint64_t end, const line_reader& kept = {});
  static result<step_log> append_to(const std::filesystem::path& file);
  // Without the newline.
  status write(std::string_view line);

private:
  struct closer {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  step_log(std::filesystem::path path, std::unique_ptr<std::FILE, closer> file) : path_(std::move(path)), file_(std::move(file)) {}

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, closer> file_;
};

}  // namespace argosy

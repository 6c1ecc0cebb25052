// RUN/metrics.jsonl: one JSON object a step, as FORMATS.md lists them; numbers are printed so that they read back to the same bits.
// A run that goes on from a checkpoint first drops the lines of the steps that it will do again, and a line that was cut, so the series is
// that of a run that was never interrupted. Each line is handed to the system when its step ends.   Threads  one.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "actors/training.hpp"
#include "base/status.hpp"

namespace argosy {

// Without the newline.
std::string metrics_line(const training_progress&);

class metrics_log {
public:
  // Keeps the lines of steps before `first_step`; makes the folder and the file where they are missing.
  static result<metrics_log> open(const std::filesystem::path& run, std::uint64_t first_step);
  static result<metrics_log> append_to(const std::filesystem::path& file);
  status write(const training_progress&);

private:
  struct closer {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  metrics_log(std::filesystem::path path, std::unique_ptr<std::FILE, closer> file) : path_(std::move(path)), file_(std::move(file)) {}

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, closer> file_;
};

}  // namespace argosy

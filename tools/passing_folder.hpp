// A folder that lives as long as its object: PARENT/NAME.PID, one of a name in a process. Those of killed processes are removed when the
// next one is made.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/status.hpp"

namespace argosy {

class passing_folder {
public:
  // Makes the parent too.
  static result<passing_folder> make(const std::filesystem::path& parent, std::string_view name);
  passing_folder(passing_folder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  passing_folder& operator=(passing_folder&&) = delete;
  ~passing_folder();
  const std::filesystem::path& path() const noexcept { return path_; }

private:
  explicit passing_folder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace argosy

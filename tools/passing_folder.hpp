// A folder that lives as long as its object, under the partial name of PARENT/NAME (schema/partial.hpp): PARENT/NAME.partial-PID-N. Those
// of killed processes are removed when the next one of that name is made.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/status.hpp"

namespace argosy {

struct locked_path;

class passing_folder {
public:
  // Makes the parent too.
  static result<passing_folder> make(const std::filesystem::path& parent, std::string_view name);
  passing_folder(passing_folder&&) noexcept;
  passing_folder& operator=(passing_folder&&) = delete;
  ~passing_folder();
  const std::filesystem::path& path() const noexcept;

private:
  explicit passing_folder(std::unique_ptr<locked_path>);
  std::unique_ptr<locked_path> folder_;
};

}  // namespace argosy

// Reference values made outside this project (docs/testing.md): a folder of safetensors named by ARGOSY_GOLDEN, else ../shared/golden
// beside the checkout. Tests that need it say so and are skipped when it is absent.
#pragma once

#include <filesystem>
#include <optional>

namespace argosy::test {

std::optional<std::filesystem::path> golden_folder();
std::optional<std::filesystem::path> shared_data();  // ARGOSY_DATA, else ../shared/data

// Where files lie in memory, for tests that sync many: /dev/shm, or the usual place where that cannot be written.
std::filesystem::path memory_parent();

// A folder of its own for each test, removed at the end.
class scratch_folder {
public:
  scratch_folder();
  explicit scratch_folder(const std::filesystem::path& parent);
  ~scratch_folder();
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }

private:
  std::filesystem::path path_;
};

}  // namespace argosy::test

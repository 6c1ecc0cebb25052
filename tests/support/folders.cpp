#include "tests/support/folders.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

namespace argosy::test {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> named_or_shared(const char* variable, const char* name) {
  const char* set = std::getenv(variable);
  const fs::path folder = set != nullptr ? fs::path(set) : fs::path(ARGOSY_SOURCE_DIR).parent_path() / "shared" / name;
  if (fs::is_directory(folder)) return folder;
  return std::nullopt;
}

}  // namespace

std::optional<fs::path> golden_folder() { return named_or_shared("ARGOSY_GOLDEN", "golden"); }
std::optional<fs::path> shared_data() { return named_or_shared("ARGOSY_DATA", "data"); }

fs::path memory_parent() {
  const fs::path shared_memory = "/dev/shm";
  return ::access(shared_memory.c_str(), W_OK) == 0 ? shared_memory : fs::temp_directory_path();
}

scratch_folder::scratch_folder() : scratch_folder(fs::temp_directory_path()) {}

scratch_folder::scratch_folder(const fs::path& parent) {
  static std::atomic<int> next{0};
  path_ = parent / ("argosy-test-" + std::to_string(::getpid()) + "-" + std::to_string(next++));
  fs::create_directories(path_);
}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace argosy::test

#include "tools/passing_folder.hpp"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <string>

namespace argosy {
namespace {

namespace fs = std::filesystem;

// The process that made `PREFIXPID`; 0 for other names.
pid_t maker_of(const std::string& name, const std::string& prefix) {
  pid_t pid = 0;
  if (!name.starts_with(prefix)) return 0;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + prefix.size(), end, pid);
  return parsed.ec == std::errc{} && parsed.ptr == end ? pid : 0;
}

bool lives(pid_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

void remove_left_overs(const fs::path& parent, const std::string& prefix) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const pid_t maker = maker_of(entry.path().filename(), prefix);
    if (maker > 0 && (maker == ::getpid() || !lives(maker))) fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace

result<passing_folder> passing_folder::make(const fs::path& parent, std::string_view name) {
  const std::string prefix = std::string(name) + ".";
  remove_left_overs(parent, prefix);
  const fs::path path = parent / (prefix + std::to_string(::getpid()));
  std::error_code failed;
  fs::create_directories(path, failed);
  if (failed) return status(errc::io_error, path.string() + ": " + failed.message());
  return passing_folder(path);
}

passing_folder::~passing_folder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace argosy

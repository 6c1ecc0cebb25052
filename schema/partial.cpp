#include "schema/partial.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include "schema/folder.hpp"

namespace argosy {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view mark = ".partial-";

std::string partial_name(const fs::path& target) {
  static std::atomic<unsigned> next{1};
  return target.string() + std::string(mark) + std::to_string(::getpid()) + "-" + std::to_string(next++);
}

bool same_inode(int fd, const fs::path& path) {
  struct stat held {
  }, named{};
  return ::fstat(fd, &held) == 0 && ::lstat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

bool lock_now(int fd) { return ::flock(fd, LOCK_EX | LOCK_NB) == 0; }

fs::path parent_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

// A remover may come between making and locking: then what was made is gone, and another name is tried.
template <class Make>
result<locked_path> make_partial(const fs::path& target, Make make) {
  std::error_code failed;
  fs::create_directories(parent_of(target), failed);
  if (failed) return system_failure(parent_of(target), "make folder", failed.value());
  for (int attempt = 0; attempt < 100; ++attempt) {
    locked_path made{partial_name(target), {}};
    made.lock = make(made.path);
    const int error = errno;
    if (made.lock && lock_now(made.lock.get()) && same_inode(made.lock.get(), made.path)) return made;
    if (!made.lock && error != EEXIST && error != ENOENT) return system_failure(made.path, "create", error);
  }
  return status(errc::io_error, target.string() + ": no partial name could be locked beside it");
}

descriptor open_folder_descriptor(const fs::path& path) { return descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }

}  // namespace

descriptor& descriptor::operator=(descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

descriptor::~descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

status system_failure(const fs::path& path, std::string_view doing, int error) {
  const errc code = error == ENOENT ? errc::not_found : errc::io_error;
  return {code, path.string() + ": " + std::string(doing) + ": " + std::generic_category().message(error)};
}

result<descriptor> open_to_read(const fs::path& path, std::uint64_t* bytes) {
  descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a FIFO would block for ever
  if (!file) return system_failure(path, "open", errno);
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return system_failure(path, "stat", errno);
  if (!S_ISREG(facts.st_mode)) return status(errc::io_error, path.string() + ": want a regular file, found another kind of file");
  *bytes = static_cast<std::uint64_t>(facts.st_size);
  return file;
}

status sync_folder(const fs::path& path) {
  const descriptor folder = open_folder_descriptor(path);
  if (!folder || ::fsync(folder.get()) != 0) return system_failure(path, "fsync of the folder", errno);
  return {};
}

status write_at(const fs::path& path, int file, std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return system_failure(path, "write at offset " + std::to_string(offset), wrote == 0 ? ENOSPC : errno);
    offset += static_cast<std::uint64_t>(wrote);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return {};
}

result<locked_path> make_partial_file(const fs::path& target) {
  return make_partial(target,
                      [](const fs::path& path) { return descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644)); });
}

result<locked_path> make_partial_folder(const fs::path& target) {
  return make_partial(target, [](const fs::path& path) {
    if (::mkdir(path.c_str(), 0755) != 0) return descriptor();
    return open_folder_descriptor(path);
  });
}

fs::path remove_leftovers(const fs::path& target) {
  const std::string name = target.filename().string();
  fs::path alive;
  std::error_code ended, ignored;
  for (auto entry = fs::directory_iterator(parent_of(target), ended); !ended && entry != fs::directory_iterator(); entry.increment(ended)) {
    if (target_of_partial(entry->path().filename().string()) != name) continue;
    const descriptor found(::open(entry->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!found) continue;
    if (lock_now(found.get())) {
      fs::remove_all(entry->path(), ignored);
    } else {
      alive = entry->path();
    }
  }
  return alive;
}

std::string_view target_of_partial(std::string_view name) noexcept {
  const auto at = name.rfind(mark);
  if (at == std::string_view::npos) return {};
  const auto tail = name.substr(at + mark.size());
  const auto is_number = [](std::string_view digits) {
    return !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  };
  const auto dash = std::min(tail.find('-'), tail.size());
  const bool ours = dash < tail.size() && is_number(tail.substr(0, dash)) && is_number(tail.substr(dash + 1));
  return ours ? name.substr(0, at) : std::string_view{};
}

partial_file::partial_file(fs::path target, locked_path file) : target_(std::move(target)), file_(std::move(file)) {}

partial_file::~partial_file() {
  if (file_.lock && !file_.path.empty()) ::unlink(file_.path.c_str());
}

result<partial_file> partial_file::create(const fs::path& target) {
  remove_leftovers(target);
  ARGOSY_ASSIGN(auto made, make_partial_file(target));
  return partial_file(target, std::move(made));
}

result<partial_file> partial_file::in_memory(const std::string& name) {
  descriptor made(::memfd_create(name.c_str(), MFD_CLOEXEC));
  if (!made) return system_failure(name, "make a file in memory", errno);
  return partial_file(name, {{}, std::move(made)});
}

fs::path partial_file::opened_at() const { return "/proc/self/fd/" + std::to_string(file_.lock.get()); }

status partial_file::append(std::span<const std::byte> bytes) {
  ARGOSY_TRY(write_at(bytes_, bytes));
  bytes_ += bytes.size();
  return {};
}

status partial_file::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  return argosy::write_at(target_, file_.lock.get(), offset, bytes);
}

status partial_file::commit() {
  if (file_.path.empty()) return {};
  if (::fsync(file_.lock.get()) != 0) return system_failure(target_, "fsync", errno);
  if (::rename(file_.path.c_str(), target_.c_str()) != 0) return system_failure(target_, "rename", errno);
  file_.lock = descriptor();
  return sync_folder(parent_of(target_));
}

}  // namespace argosy

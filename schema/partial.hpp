// What is being written, under a name of its own beside its target: `TARGET.partial-PID-N`.
// A writer holds a lock (flock) on it while it lives. The kernel lets go of the lock when the process dies in whatever way, so that the
// next writer of the same target knows left-overs from work under way, across containers too, where a PID says nothing. Rooms above use
// folder.hpp and container.hpp, but where they need a lock or write a file that is no container (a tar).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/status.hpp"

namespace argosy {

// An open file descriptor.
class descriptor {
public:
  descriptor() = default;
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept;
  ~descriptor();
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

private:
  int fd_ = -1;
};

// io_error, or not_found for ENOENT: "PATH: DOING: reason of `error`".
status system_failure(const std::filesystem::path&, std::string_view doing, int error);

result<descriptor> open_to_read(const std::filesystem::path&, std::uint64_t* bytes);  // regular files only
status sync_folder(const std::filesystem::path&);
// All of the bytes; `path` stands in errors.
status write_at(const std::filesystem::path& path, int file, std::uint64_t offset, std::span<const std::byte>);

struct locked_path {
  std::filesystem::path path;
  descriptor lock;
};
// Makes and locks an empty partial file or folder for `target`, whose parent is made if it is not there.
result<locked_path> make_partial_file(const std::filesystem::path& target);
result<locked_path> make_partial_folder(const std::filesystem::path& target);
// The target in `TARGET.partial-PID-N`; empty when the name is not of that form.
std::string_view target_of_partial(std::string_view name) noexcept;

// A file that appears under its name whole, or not at all.
class partial_file {
public:
  static result<partial_file> create(const std::filesystem::path& target);
  // In memory, and never under its name, which stands in errors.
  static result<partial_file> in_memory(const std::string& name);
  partial_file(partial_file&&) = default;
  partial_file& operator=(partial_file&&) = delete;
  ~partial_file();  // removes it when not committed

  status append(std::span<const std::byte>);
  status write_at(std::uint64_t offset, std::span<const std::byte>);
  std::uint64_t bytes() const noexcept { return bytes_; }
  const std::filesystem::path& target() const noexcept { return target_; }
  // fsync, rename, fsync of the parent; nothing for one in memory.
  status commit();
  // Where one in memory is opened, while it lives.
  std::filesystem::path opened_at() const;

private:
  partial_file(std::filesystem::path target, locked_path);
  std::filesystem::path target_;
  locked_path file_;
  std::uint64_t bytes_ = 0;
};

}  // namespace argosy

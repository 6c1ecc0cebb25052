// A sealed folder: files that belong together (prepared data, a checkpoint, a generation), whole or not there at all.
// Writing   into `NAME.partial-PID` beside the target; seal() writes `MANIFEST` (a container: name, bytes and xxh3 of every file),
//           fsyncs files and folder, renames, fsyncs the parent. Killed at any moment, the target is the old one or the new one.
// Reading   open_folder() verifies the manifest and that every file is there in its size; verify_folder() every byte.
// Left-overs of killed writers are removed by the next writer of the same target.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"

namespace argosy {

struct folder_file {
  std::string name;
  std::uint64_t bytes = 0;
  std::uint64_t xxh3 = 0;
};

struct sealed_folder {
  std::filesystem::path path;
  std::string kind;  // "prepared", "checkpoint", "generation"
  std::uint32_t version = 0;
  std::vector<folder_file> files;
};

class folder_writer {
public:
  // Replaces an existing sealed folder of that kind when sealed; refuses any other non-empty target.
  static result<folder_writer> create(const std::filesystem::path& target, std::string_view kind, std::uint32_t version);
  folder_writer(folder_writer&&) noexcept;
  folder_writer& operator=(folder_writer&&) = delete;
  ~folder_writer();  // removes the partial folder when not sealed

  // Where to write; every regular file found there by seal() belongs to the folder.
  const std::filesystem::path& path() const noexcept { return partial_; }
  status seal();

private:
  folder_writer(std::filesystem::path target, std::filesystem::path partial, std::string kind, std::uint32_t version);
  std::filesystem::path target_, partial_;
  std::string kind_;
  std::uint32_t version_ = 0;
};

result<sealed_folder> open_folder(const std::filesystem::path&, std::string_view kind, std::uint32_t version);
status verify_folder(const sealed_folder&);

// Writes a small file by temporary file, fsync, rename, fsync of the parent: CURRENT and its like.
status replace_file(const std::filesystem::path&, std::string_view content);
// The whole file, refused above `limit` bytes.
result<std::string> read_file(const std::filesystem::path&, std::uint64_t limit);
std::uint64_t xxh3(std::span<const std::byte>) noexcept;

}  // namespace argosy

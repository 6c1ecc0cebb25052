// A sealed folder: files that belong together (prepared data, a checkpoint, a generation), whole or not there at all.
// Writing   into `NAME.partial-PID-N` beside the target; seal() writes `MANIFEST` (a container: name, bytes and xxh3 of every file),
//           fsyncs files and folder, renames (in exchange with the old one, if there is one), fsyncs the parent, removes the old one.
//           Killed at any moment, the target is the old one or the new one.
// Reading   open_folder() verifies the manifest and that every file is there in its size; verify_folder() every byte.
// Left-overs of killed writers are removed by the next writer of the same target; one that still lives makes it refuse (unavailable).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
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
  // Replaces an existing sealed folder of that kind, of any version, when sealed; refuses any other non-empty target.
  static result<folder_writer> create(const std::filesystem::path& target, std::string_view kind, std::uint32_t version);
  folder_writer(folder_writer&&) noexcept;
  folder_writer& operator=(folder_writer&&) = delete;
  ~folder_writer();  // removes the partial folder when not sealed

  // Where to write; every regular file found there by seal() belongs to the folder. Other kinds of files are refused.
  const std::filesystem::path& path() const noexcept;
  // Puts the files of a sealed folder here too: hard links, or copies where there can be none. They share their bytes with `from`, so none
  // is ever written in place: it is replaced by rename, as container_writer and replace_file do, or removed. seal() refuses a file that is
  // still the linked one and has not the bytes that the manifest of `from` names: corrupt.
  status link(const sealed_folder& from);
  // The last call.
  status seal();

private:
  struct work;
  explicit folder_writer(std::unique_ptr<work>);
  std::unique_ptr<work> work_;
};

// Removes what dead writers of `target` left. Returns the partial path of one that lives, or an empty path.
std::filesystem::path remove_leftovers(const std::filesystem::path& target);

// not_found when there is no folder or no manifest in it.
result<sealed_folder> open_folder(const std::filesystem::path&, std::string_view kind, std::uint32_t version);
// The manifest alone: what it lists may be missing.
result<sealed_folder> open_manifest(const std::filesystem::path&, std::string_view kind, std::uint32_t version);
// Whether a manifest lies there, good or bad.
bool is_sealed(const std::filesystem::path&);
status verify_folder(const sealed_folder&);
// One of them. not_found when the manifest does not name it.
status verify_file(const sealed_folder&, std::string_view name);

// Writes a small file by temporary file, fsync, rename, fsync of the parent: CURRENT and its like.
status replace_file(const std::filesystem::path&, std::string_view content);
// The whole file, refused above `limit` bytes.
result<std::string> read_file(const std::filesystem::path&, std::uint64_t limit);
std::uint64_t xxh3(std::span<const std::byte>) noexcept;
// 16 lower-case digits: how a checksum is shown and stored.
std::string hex_text(std::uint64_t);

}  // namespace argosy

// A file that only grows, record by record: what was appended before a process was killed is read back when the file is opened again.
//     preamble (64 bytes): magic "ARGOSYJ\n", version of the journal u32, of its kind u32, kind (40 bytes, zeros after it), xxh3 of these
//     record: bytes u32, its complement u32, xxh3 u64 of the bytes, the bytes
// All little-endian; byte by byte in FORMATS.md.
// Reading   A record that ends beyond the file is one that a writer did not finish, and so is one whose last sector of 512 bytes, and all behind it,
//           is zeros: they are cut off. Anything else that does not verify is corrupt, and says where; nothing is cut then.
// Writing   append() hands the record to the system, which survives the process; sync() to the disk, which survives the machine.
// Threads   one. One writer at a time: the file is locked (flock) while it is open, and a second opening is unavailable. Anybody may read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "base/status.hpp"
#include "schema/container.hpp"
#include "schema/partial.hpp"

namespace argosy {

inline constexpr std::uint32_t longest_record = 1u << 26;

// Called with every record, in order, and where it begins; its first failure ends the reading.
using take_record = std::function<status(std::uint64_t offset, std::span<const std::byte>)>;

// The whole records there are from `from` on, where one begins (0: all), while somebody may be writing more. Returns where the last one ends:
// 0 while there is not even a preamble. not_found; corrupt also when the file ends before `from`.
result<std::uint64_t> read_journal(const std::filesystem::path&, file_kind, const take_record&, std::uint64_t from = 0);

// The same in memory: how a journal begins, what a record adds (out_of_range above longest_record), and all of it read back.
std::vector<std::byte> journal_beginning(file_kind);
// Whether a process has it open to write, this one too. False for what cannot be opened.
bool journal_is_held(const std::filesystem::path&);

status add_record(std::span<const std::byte>, std::vector<std::byte>& to);
result<std::uint64_t> read_journal(std::span<const std::byte>, file_kind, const take_record&);

class journal {
public:
  // Makes the file where there is none.
  static result<journal> open(const std::filesystem::path&, file_kind, const take_record&);

  // All of it is there afterwards, or nothing: what a failed write left is cut off. out_of_range above longest_record.
  status append(std::span<const std::byte>);
  status sync();  // io_error
  // All of them and a sync(), or none. They take their places in the file by one write, which a kill may still cut between two records.
  status append_all(std::span<const std::vector<std::byte>>);
  std::uint64_t bytes() const noexcept { return bytes_; }  // of the file
  std::uint64_t cut() const noexcept { return cut_; }      // bytes of an unfinished record that opening cut off
  const std::filesystem::path& path() const noexcept { return path_; }
  // Whether that is a name of this file, which may have several.
  bool is_at(const std::filesystem::path&) const noexcept;

private:
  status write_at_end(std::span<const std::byte>);
  status cut_to(std::uint64_t bytes);
  journal(std::filesystem::path, descriptor, std::uint64_t bytes, std::uint64_t cut);
  std::filesystem::path path_;
  descriptor file_;
  std::uint64_t bytes_, cut_;
  bool broken_ = false;  // what lies behind bytes_ could not be cut off
};

}  // namespace argosy

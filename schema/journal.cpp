#include "schema/journal.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "schema/folder.hpp"

namespace argosy {
namespace fs = std::filesystem;
namespace {

constexpr char magic[] = "ARGOSYJ\n";
constexpr std::uint32_t journal_version = 1;
constexpr std::uint64_t sector = 512;  // a disk writes no less at once

struct preamble {
  char magic[8];
  std::uint32_t version, kind_version;
  char kind[40];
  std::uint64_t xxh3;
};
static_assert(sizeof(preamble) == 64);

struct record_head {
  std::uint32_t bytes, complement;
  std::uint64_t xxh3;
};
static_assert(sizeof(record_head) == 16);

std::uint64_t sum_of(const preamble& of) noexcept { return xxh3(std::as_bytes(std::span(&of, 1)).first(offsetof(preamble, xxh3))); }

preamble preamble_of(file_kind kind) noexcept {
  preamble made{};
  std::memcpy(made.magic, magic, sizeof(made.magic));
  made.version = journal_version;
  made.kind_version = kind.version;
  std::memcpy(made.kind, kind.name.data(), std::min(kind.name.size(), sizeof(made.kind)));
  made.xxh3 = sum_of(made);
  return made;
}

status unlike(errc code, const fs::path& path, std::uint64_t offset, const std::string& want, const std::string& found) {
  return {code, path.string() + ": offset " + std::to_string(offset) + ": want " + want + ", found " + found};
}

status check_preamble(const fs::path& path, const preamble& found, file_kind kind) {
  if (std::memcmp(found.magic, magic, sizeof(found.magic)) != 0)
    return unlike(errc::corrupt, path, 0, "the magic of a journal", "other bytes");
  if (found.xxh3 != sum_of(found)) return unlike(errc::corrupt, path, 56, "xxh3 " + hex_text(sum_of(found)), hex_text(found.xxh3));
  const std::string name(found.kind, ::strnlen(found.kind, sizeof(found.kind)));
  if (name != kind.name)
    return unlike(errc::invalid_argument, path, 16, "a journal of \"" + std::string(kind.name) + "\"", "one of \"" + name + "\"");
  if (found.version != journal_version)
    return unlike(errc::version_mismatch, path, 8, "version " + std::to_string(journal_version), std::to_string(found.version));
  if (found.kind_version != kind.version)
    return unlike(errc::version_mismatch, path, 12, "version " + std::to_string(kind.version), std::to_string(found.kind_version));
  return {};
}

// Where a journal's bytes are read from: at an offset, fewer at the end.
struct source {
  fs::path path;
  std::function<result<std::size_t>(std::uint64_t offset, std::span<std::byte> out)> read;
};

source in_file(const fs::path& path, int file) {
  return {path, [path, file](std::uint64_t offset, std::span<std::byte> out) -> result<std::size_t> {
            std::size_t done = 0;
            while (done < out.size()) {
              const ssize_t got = ::pread(file, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
              if (got < 0 && errno == EINTR) continue;
              if (got < 0) return system_failure(path, "read", errno);
              if (got == 0) break;
              done += static_cast<std::size_t>(got);
            }
            return done;
          }};
}

source in_memory(std::span<const std::byte> bytes) {
  return {"journal", [bytes](std::uint64_t offset, std::span<std::byte> out) -> result<std::size_t> {
            const auto some = bytes.subspan(std::min<std::size_t>(offset, bytes.size()));
            const std::size_t got = std::min(some.size(), out.size());
            std::copy_n(some.begin(), got, out.begin());
            return got;
          }};
}

status read_preamble(const source& from, file_kind kind) {
  preamble first{};
  ARGOSY_ASSIGN(const auto got, from.read(0, std::as_writable_bytes(std::span(&first, 1))));
  if (got < sizeof(first)) return {errc::io_error, from.path.string() + ": shrank while it was read"};
  return check_preamble(from.path, first, kind);
}

// What a file system may leave of an append when the machine loses its power: the length, without the bytes of its last sectors. So the part of a
// record, from `at` to `record_end`, that lies in its last sector is zeros, and all behind it is.
result<bool> is_torn(const source& from, std::uint64_t at, std::uint64_t record_end, std::uint64_t end) {
  at = std::max(at, (record_end - 1) / sector * sector);
  std::vector<std::byte> piece(1 << 16);
  while (at < end) {
    ARGOSY_ASSIGN(const auto got, from.read(at, std::span(piece).first(std::min<std::uint64_t>(piece.size(), end - at))));
    if (got == 0) break;
    if (std::any_of(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(got), [](std::byte one) { return one != std::byte{0}; }))
      return false;
    at += got;
  }
  return true;
}

// The records from `at` on; returns where the last whole one ends.
result<std::uint64_t> read_records(const source& from, std::uint64_t at, std::uint64_t end, const take_record& take) {
  const fs::path& path = from.path;
  std::vector<std::byte> bytes;
  while (end - at >= sizeof(record_head)) {
    record_head head{};
    ARGOSY_ASSIGN(const auto got, from.read(at, std::as_writable_bytes(std::span(&head, 1))));
    if (got < sizeof(head)) break;
    if (head.bytes != ~head.complement || head.bytes > longest_record) {
      ARGOSY_ASSIGN(const bool torn, is_torn(from, at, at + sizeof(head), end));
      if (torn) break;
      return unlike(errc::corrupt, path, at, "the length of a record and its complement",
                    std::to_string(head.bytes) + " and " + std::to_string(~head.complement));
    }
    if (end - at - sizeof(head) < head.bytes) break;
    bytes.resize(head.bytes);
    ARGOSY_ASSIGN(const auto read, from.read(at + sizeof(head), bytes));
    if (read < bytes.size()) break;
    if (xxh3(bytes) != head.xxh3) {
      ARGOSY_ASSIGN(const bool torn, is_torn(from, at, at + sizeof(head) + head.bytes, end));
      if (torn) break;
      return unlike(errc::corrupt, path, at + sizeof(head), "xxh3 " + hex_text(head.xxh3) + " of " + std::to_string(head.bytes) + " bytes",
                    hex_text(xxh3(bytes)));
    }
    if (const status end_of = take(at, bytes); !end_of.ok()) return end_of.within(path.string() + " offset " + std::to_string(at));
    at += sizeof(head) + head.bytes;
  }
  return at;
}

status truncate_to(const fs::path& path, int file, std::uint64_t bytes) {
  return ::ftruncate(file, static_cast<off_t>(bytes)) == 0 ? status{} : system_failure(path, "truncate", errno);
}

// A file shorter than a preamble was never finished by the one who made it.
status begin(const fs::path& path, int file, file_kind kind) {
  const preamble first = preamble_of(kind);
  ARGOSY_TRY(truncate_to(path, file, 0));
  ARGOSY_TRY(write_at(path, file, 0, std::as_bytes(std::span(&first, 1))));
  if (::fsync(file) != 0) return system_failure(path, "fsync", errno);
  return sync_folder(path.parent_path().empty() ? fs::path(".") : path.parent_path());
}

}  // namespace

journal::journal(fs::path path, descriptor file, std::uint64_t bytes, std::uint64_t cut)
    : path_(std::move(path)), file_(std::move(file)), bytes_(bytes), cut_(cut) {}

result<std::uint64_t> read_journal(const fs::path& path, file_kind kind, const take_record& take, std::uint64_t from) {
  std::uint64_t size = 0;
  ARGOSY_ASSIGN(const descriptor file, open_to_read(path, &size));
  if (size < from) return unlike(errc::corrupt, path, size, "at least " + std::to_string(from) + " bytes, as before", "the end");
  if (size < sizeof(preamble)) return std::uint64_t{0};
  const source bytes = in_file(path, file.get());
  ARGOSY_TRY(read_preamble(bytes, kind));
  return read_records(bytes, std::max<std::uint64_t>(from, sizeof(preamble)), size, take);
}

result<std::uint64_t> read_journal(std::span<const std::byte> bytes, file_kind kind, const take_record& take) {
  if (bytes.size() < sizeof(preamble)) return std::uint64_t{0};
  ARGOSY_TRY(read_preamble(in_memory(bytes), kind));
  return read_records(in_memory(bytes), sizeof(preamble), bytes.size(), take);
}

std::vector<std::byte> journal_beginning(file_kind kind) {
  const preamble first = preamble_of(kind);
  const auto bytes = std::as_bytes(std::span(&first, 1));
  return {bytes.begin(), bytes.end()};
}

result<journal> journal::open(const fs::path& path, file_kind kind, const take_record& take) {
  std::error_code failed;
  const fs::path folder = path.parent_path();
  const bool made = !folder.empty() && fs::create_directories(folder, failed);
  if (failed) return status(errc::io_error, folder.string() + ": " + failed.message());
  if (made && folder.has_parent_path()) ARGOSY_TRY(sync_folder(folder.parent_path()));
  descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644));
  if (!file) return system_failure(path, "open", errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
    return status(errc::unavailable, path.string() + ": want a journal that nobody writes, found one that another process has open");
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return system_failure(path, "stat", errno);
  if (!S_ISREG(facts.st_mode)) return status(errc::io_error, path.string() + ": want a regular file, found another kind of file");
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  if (size < sizeof(preamble)) {
    ARGOSY_TRY(begin(path, file.get(), kind));
    return journal(path, std::move(file), sizeof(preamble), size);
  }
  const source bytes = in_file(path, file.get());
  ARGOSY_TRY(read_preamble(bytes, kind));
  ARGOSY_ASSIGN(const auto end, read_records(bytes, sizeof(preamble), size, take));
  if (end < size) ARGOSY_TRY(truncate_to(path, file.get(), end));
  return journal(path, std::move(file), end, size - end);
}

bool journal_is_held(const fs::path& path) {
  const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  return file && ::flock(file.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

status add_record(std::span<const std::byte> bytes, std::vector<std::byte>& to) {
  if (bytes.size() > longest_record)
    return {errc::out_of_range, "a record: want at most " + std::to_string(longest_record) + " bytes, got " + std::to_string(bytes.size())};
  const auto length = static_cast<std::uint32_t>(bytes.size());
  const record_head head{length, ~length, xxh3(bytes)};
  const auto of_head = std::as_bytes(std::span(&head, 1));
  to.insert(to.end(), of_head.begin(), of_head.end());
  to.insert(to.end(), bytes.begin(), bytes.end());
  return {};
}

status journal::append(std::span<const std::byte> bytes) {
  std::vector<std::byte> record;
  ARGOSY_TRY(add_record(bytes, record).within(path_.string()));
  return write_at_end(record);
}

status journal::append_all(std::span<const std::vector<std::byte>> records) {
  std::vector<std::byte> all;
  for (const auto& bytes : records) ARGOSY_TRY(add_record(bytes, all).within(path_.string()));
  const std::uint64_t before = bytes_;
  ARGOSY_TRY(write_at_end(all));
  status synced = sync();
  if (synced.ok()) return {};
  ARGOSY_TRY(cut_to(before));
  return synced;
}

// What was refused must not be found by who reads next; where that cannot be had, nothing more is written behind it.
status journal::cut_to(std::uint64_t bytes) {
  status end = truncate_to(path_, file_.get(), bytes);
  broken_ = !end.ok();
  bytes_ = bytes;
  return end;
}

status journal::write_at_end(std::span<const std::byte> bytes) {
  if (broken_) ARGOSY_TRY(cut_to(bytes_));
  if (const status wrote = write_at(path_, file_.get(), bytes_, bytes); !wrote.ok()) {
    const status end = cut_to(bytes_);
    return end.ok() ? wrote : end;
  }
  bytes_ += bytes.size();
  return {};
}

bool journal::is_at(const fs::path& path) const noexcept {
  struct stat own {
  }, other{};
  return ::fstat(file_.get(), &own) == 0 && ::stat(path.c_str(), &other) == 0 && own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

status journal::sync() { return ::fdatasync(file_.get()) == 0 ? status{} : system_failure(path_, "fdatasync", errno); }

}  // namespace argosy

#include "data/tar_index.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "data/line_reader.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t piece_bytes = std::size_t{1} << 20;

struct close_archive {
  void operator()(archive* of) const noexcept { archive_read_free(of); }
};
using archive_handle = std::unique_ptr<archive, close_archive>;

// libarchive turns names into the character set of the thread's locale, and the plain "C" has no room for most of them.
class utf8_names {
public:
  utf8_names() : utf8_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)), before_(::uselocale(utf8_)) {}
  ~utf8_names() {
    ::uselocale(before_);
    if (utf8_ != nullptr) ::freelocale(utf8_);
  }
  utf8_names(const utf8_names&) = delete;
  utf8_names& operator=(const utf8_names&) = delete;

private:
  locale_t utf8_, before_;
};

status system_failure(const fs::path& path, std::string_view what) {
  return {errc::io_error, path.string() + ": " + std::string(what) + ": " + std::strerror(errno)};
}

status archive_failure(const fs::path& path, archive* of) {
  const char* why = archive_error_string(of);
  return {errc::corrupt, path.string() + ": not a whole tar: " + (why != nullptr ? why : "unknown error")};
}

result<open_file> open_to_read(const fs::path& path) {
  open_file file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return system_failure(path, "open");
  return file;
}

result<bool> is_gzip(const fs::path& path, int file) {
  unsigned char magic[2] = {};
  const auto got = ::pread(file, magic, sizeof magic, 0);
  if (got < 0) return system_failure(path, "read");
  return got == 2 && magic[0] == 0x1F && magic[1] == 0x8B;
}

result<open_file> nameless_file() {
  std::string name = (fs::temp_directory_path() / "argosy-images-XXXXXX").string();
  open_file file(::mkostemp(name.data(), O_CLOEXEC));
  if (file.get() < 0) return system_failure(name, "create");
  ::unlink(name.c_str());
  return file;
}

status write_all(int file, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const auto wrote = ::write(file, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return system_failure(fs::temp_directory_path(), "write a decompressed copy of the images (or unpack them yourself)");
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return {};
}

result<open_file> decompressed(const fs::path& path) {
  ARGOSY_ASSIGN(auto from, byte_reader::open(path));
  ARGOSY_ASSIGN(auto to, nameless_file());
  std::vector<char> piece(piece_bytes);
  while (true) {
    ARGOSY_ASSIGN(const std::size_t got, from.read(piece));
    if (got == 0) return to;
    ARGOSY_TRY(write_all(to.get(), std::span(piece).first(got)));
  }
}

std::string_view plain_name(std::string_view name) {
  while (name.starts_with("./")) name.remove_prefix(2);
  return name;
}

bool is_plain_file(archive_entry* entry) {
  return archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == nullptr && archive_entry_sparse_count(entry) == 0 &&
         archive_entry_pathname(entry) != nullptr;
}

// After a header libarchive has consumed exactly the bytes before the member's data.
status take_members(const fs::path& path, archive* from, std::uint64_t file_bytes, member_map& members) {
  while (true) {
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(from, &entry);
    if (code == ARCHIVE_EOF) return {};
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return archive_failure(path, from);
    if (!is_plain_file(entry)) continue;
    const auto offset = static_cast<std::uint64_t>(archive_filter_bytes(from, 0));
    const auto bytes = static_cast<std::uint64_t>(archive_entry_size(entry));
    if (offset > file_bytes || bytes > file_bytes - offset)
      return {errc::corrupt, path.string() + ": truncated: " + archive_entry_pathname(entry) + " ends behind the file"};
    members[std::string(plain_name(archive_entry_pathname(entry)))] = {offset, bytes};
  }
}

}  // namespace

open_file::~open_file() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

result<tar_index> tar_index::open(const fs::path& path) {
  tar_index index;
  ARGOSY_ASSIGN(index.file, open_to_read(path));
  ARGOSY_ASSIGN(const bool compressed, is_gzip(path, index.file.get()));
  if (compressed) {
    ARGOSY_ASSIGN(index.file, decompressed(path));
  }
  struct stat about {};
  if (::fstat(index.file.get(), &about) != 0) return system_failure(path, "stat");
  ::lseek(index.file.get(), 0, SEEK_SET);

  const utf8_names names;
  const archive_handle from(archive_read_new());
  archive_read_support_format_tar(from.get());
  archive_read_support_filter_none(from.get());
  if (archive_read_open_fd(from.get(), index.file.get(), piece_bytes) != ARCHIVE_OK) return archive_failure(path, from.get());
  ARGOSY_TRY(take_members(path, from.get(), static_cast<std::uint64_t>(about.st_size), index.members));
  return index;
}

}  // namespace argosy

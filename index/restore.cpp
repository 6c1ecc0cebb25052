#include "index/backup.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "index/generation.hpp"
#include "index/store_files.hpp"
#include "schema/folder.hpp"
#include "schema/partial.hpp"

namespace argosy {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view manifest_name = "MANIFEST";
constexpr std::size_t piece_bytes = 1 << 20;
constexpr std::uint64_t manifest_limit = 1 << 26;

using tar_reader = std::unique_ptr<archive, decltype([](archive* of) { archive_read_free(of); })>;

std::string reason_of(archive* of) {
  const char* why = archive_error_string(of);
  return why != nullptr ? why : "unknown error";
}

status stopped() { return {errc::aborted, "restoring was interrupted"}; }

class backup_reader {
public:
  backup_reader(const fs::path& path, const fs::path& to, const backup_progress& show, const std::stop_token& stop)
      : path_(&path), to_(&to), tar_(archive_read_new()), show_(&show), stop_(&stop) {}

  // Leaves the files and their MANIFEST in the folder, all there and of the sizes that it names.
  status run() {
    ARGOSY_ASSIGN(const descriptor file, open_to_read(*path_, &tar_bytes_));
    archive_read_support_format_tar(tar_.get());
    if (archive_read_open_fd(tar_.get(), file.get(), piece_bytes) != ARCHIVE_OK) return damaged(reason_of(tar_.get()));
    ARGOSY_TRY(take_manifest());
    for (archive_entry* entry = nullptr;;) {
      ARGOSY_ASSIGN(const bool more, next(&entry));
      if (!more) break;
      ARGOSY_TRY(take_file(entry));
    }
    for (const auto& listed : manifest_.files) {
      if (!taken_.contains(listed.name)) return damaged("want " + listed.name + ", which the manifest names, found the end of the tar");
    }
    return {};
  }

private:
  status damaged(const std::string& what) const { return {errc::corrupt, path_->string() + ": not a backup of a generation: " + what}; }

  result<bool> next(archive_entry** entry) const {
    const int code = archive_read_next_header(tar_.get(), entry);
    if (code == ARCHIVE_EOF) return false;
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return damaged(reason_of(tar_.get()));
    return true;
  }

  // FOLDER/NAME, of one folder for all, and nothing that is more than a file.
  result<std::string> name_of(archive_entry* entry) {
    const char* given = archive_entry_pathname(entry);
    const std::string path = given != nullptr ? given : "";
    const auto slash = path.find('/');
    const std::string folder = path.substr(0, slash);
    const bool plain = slash != std::string::npos && path.find('/', slash + 1) == std::string::npos && !folder.empty() && folder != "." &&
                       folder != ".." && (folder_.empty() || folder == folder_);
    const bool file = archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == nullptr &&
                      archive_entry_symlink(entry) == nullptr && archive_entry_sparse_count(entry) == 0;
    if (!plain || !file)
      return damaged("want a regular file FOLDER/NAME, found \"" + path + "\"" + (file ? "" : ", which is no regular file"));
    folder_ = folder;
    return path.substr(slash + 1);
  }

  status take_manifest() {
    archive_entry* entry = nullptr;
    ARGOSY_ASSIGN(const bool more, next(&entry));
    if (!more) return damaged("it is empty");
    ARGOSY_ASSIGN(const std::string name, name_of(entry));
    if (name != manifest_name) return damaged("want MANIFEST first, found \"" + name + "\"");
    const auto bytes = static_cast<std::uint64_t>(archive_entry_size(entry));
    if (bytes > manifest_limit)
      return damaged("MANIFEST: want at most " + std::to_string(manifest_limit) + " bytes, found " + std::to_string(bytes));
    total_ = bytes;
    ARGOSY_TRY(write(name, bytes));
    ARGOSY_ASSIGN(manifest_, open_manifest(*to_, generation_kind, generation_version));
    for (const auto& file : manifest_.files) {
      if (file.bytes > tar_bytes_ || total_ > tar_bytes_) return damaged(file.name + ": the manifest names more bytes than the tar has");
      total_ += file.bytes;
    }
    return {};
  }

  status take_file(archive_entry* entry) {
    ARGOSY_ASSIGN(const std::string name, name_of(entry));
    const auto listed =
        std::find_if(manifest_.files.begin(), manifest_.files.end(), [&](const folder_file& file) { return file.name == name; });
    if (listed == manifest_.files.end()) return damaged("\"" + name + "\" is not in the manifest");
    if (!taken_.insert(name).second) return damaged(name + ": want it once, found it twice");
    const auto bytes = static_cast<std::uint64_t>(archive_entry_size(entry));
    if (bytes != listed->bytes) return damaged(name + ": want " + std::to_string(listed->bytes) + " bytes, found " + std::to_string(bytes));
    return write(name, bytes);
  }

  status write(const std::string& name, std::uint64_t bytes) {
    const fs::path to = *to_ / name;
    const descriptor file(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file) return system_failure(to, "create", errno);
    std::vector<std::byte> piece(piece_bytes);
    for (std::uint64_t left = bytes; left > 0;) {
      if (stop_->stop_requested()) return stopped();
      const la_ssize_t got = archive_read_data(tar_.get(), piece.data(), std::min<std::uint64_t>(piece_bytes, left));
      if (got <= 0) return damaged(name + ": " + (got == 0 ? "it ends too soon" : reason_of(tar_.get())));
      ARGOSY_TRY(write_all(to, file, std::span(piece).first(static_cast<std::size_t>(got))));
      left -= static_cast<std::uint64_t>(got);
      done_ += static_cast<std::uint64_t>(got);
      (*show_)(done_, total_);
    }
    return {};
  }

  static status write_all(const fs::path& path, const descriptor& file, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t wrote = ::write(file.get(), bytes.data(), bytes.size());
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote <= 0) return system_failure(path, "write", wrote == 0 ? ENOSPC : errno);
      bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    }
    return {};
  }

  const fs::path* path_;
  const fs::path* to_;
  tar_reader tar_;
  const backup_progress* show_;
  const std::stop_token* stop_;
  std::uint64_t tar_bytes_ = 0, done_ = 0, total_ = 0;
  std::string folder_;
  sealed_folder manifest_;
  std::set<std::string> taken_;
};

}  // namespace

result<std::uint64_t> restore_backup(const fs::path& store, const fs::path& tar, const backup_progress& show, const std::stop_token& stop) {
  std::uint64_t ignored = 0;
  if (const auto there = open_to_read(tar, &ignored); !there.ok()) return there.failure();
  ARGOSY_ASSIGN(auto writer, generation_writer::create(store));
  ARGOSY_TRY(backup_reader(tar, writer.path(), show, stop).run());
  {
    ARGOSY_ASSIGN(const auto found, generation::open_folder_of(writer.path(), writer.number()));
    ARGOSY_TRY(found.verify().within(tar.string()));
  }
  std::error_code failed;
  fs::remove(writer.path() / manifest_name, failed);
  if (failed) return system_failure(writer.path() / manifest_name, "remove", failed.value());
  if (stop.stop_requested()) return stopped();
  ARGOSY_TRY(writer.publish());
  return writer.number();
}

}  // namespace argosy

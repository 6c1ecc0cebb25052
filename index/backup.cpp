#include "index/backup.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "index/generation.hpp"
#include "index/store_files.hpp"
#include "schema/folder.hpp"
#include "schema/partial.hpp"

namespace argosy {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t piece_bytes = 1 << 20;

using tar_writer = std::unique_ptr<archive, decltype([](archive* of) { archive_write_free(of); })>;
using tar_entry = std::unique_ptr<archive_entry, decltype([](archive_entry* of) { archive_entry_free(of); })>;

// A partial file as libarchive's sink.
struct tar_sink {
  partial_file file;
  status failure = {};

  static la_ssize_t write(archive*, void* self, const void* bytes, std::size_t count) {
    auto& sink = *static_cast<tar_sink*>(self);
    sink.failure = sink.file.append({static_cast<const std::byte*>(bytes), count});
    return sink.failure.ok() ? static_cast<la_ssize_t>(count) : -1;
  }
};

// A file of the generation, opened before any is copied: pruning in between takes their names, not their bytes.
struct open_part {
  std::string name;
  std::uint64_t bytes = 0;
  descriptor file;
};

result<open_part> open_member(const fs::path& folder, const std::string& name) {
  open_part part{name, 0, {}};
  ARGOSY_ASSIGN(part.file, open_to_read(folder / name, &part.bytes));
  return part;
}

class backup_writer {
public:
  backup_writer(const generation& from, partial_file to, const backup_progress& show, const std::stop_token& stop)
      : from_(&from), sink_{std::move(to)}, tar_(archive_write_new()), show_(&show), stop_(&stop) {}

  result<std::uint64_t> run() {
    archive_write_set_format_pax_restricted(tar_.get());
    archive_write_add_filter_none(tar_.get());
    archive_write_set_bytes_in_last_block(tar_.get(), 1);
    if (archive_write_open(tar_.get(), &sink_, nullptr, &tar_sink::write, nullptr) != ARCHIVE_OK) return failure();
    ARGOSY_ASSIGN(auto parts, open_parts());
    for (const auto& part : parts) ARGOSY_TRY(add(part));
    if (archive_write_close(tar_.get()) != ARCHIVE_OK) return failure();
    const std::uint64_t bytes = sink_.file.bytes();
    ARGOSY_TRY(sink_.file.commit());
    return bytes;
  }

private:
  result<std::vector<open_part>> open_parts() {
    std::vector<open_part> parts;
    ARGOSY_ASSIGN(auto manifest, open_member(from_->path(), "MANIFEST"));
    total_ = manifest.bytes;
    parts.push_back(std::move(manifest));
    for (const auto& file : from_->folder().files) {
      ARGOSY_ASSIGN(auto part, open_member(from_->path(), file.name));
      total_ += part.bytes;
      parts.push_back(std::move(part));
    }
    return parts;
  }

  status add(const open_part& part) {
    const tar_entry entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), ("generation-" + number_text(from_->number()) + "/" + part.name).c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(part.bytes));
    struct stat facts {};
    if (::fstat(part.file.get(), &facts) == 0) archive_entry_set_mtime(entry.get(), facts.st_mtim.tv_sec, 0);
    if (archive_write_header(tar_.get(), entry.get()) != ARCHIVE_OK) return failure();
    return copy(part);
  }

  status copy(const open_part& part) {
    std::vector<std::byte> piece(piece_bytes);
    for (std::uint64_t at = 0; at < part.bytes;) {
      if (stop_->stop_requested()) return {errc::aborted, "the backup was interrupted"};
      const ssize_t got =
          ::pread(part.file.get(), piece.data(), std::min<std::uint64_t>(piece_bytes, part.bytes - at), static_cast<off_t>(at));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return system_failure(from_->path() / part.name, "read", got == 0 ? EIO : errno);
      if (archive_write_data(tar_.get(), piece.data(), static_cast<std::size_t>(got)) != got) return failure();
      at += static_cast<std::uint64_t>(got);
      done_ += static_cast<std::uint64_t>(got);
      (*show_)(done_, total_);
    }
    return {};
  }

  status failure() const {
    return sink_.failure.ok() ? status{errc::io_error, sink_.file.target().string() + ": " + archive_error_string(tar_.get())}
                              : sink_.failure;
  }

  const generation* from_;
  tar_sink sink_;
  tar_writer tar_;
  const backup_progress* show_;
  const std::stop_token* stop_;
  std::uint64_t done_ = 0, total_ = 0;
};

}  // namespace

result<backup_receipt> back_up(const fs::path& store, std::optional<std::uint64_t> number, const fs::path& tar, const backup_progress& show,
                               const std::stop_token& stop) {
  ARGOSY_ASSIGN(const auto from, number ? generation::open(store, *number) : generation::open_current(store));
  std::error_code ignored;
  const auto there = fs::symlink_status(tar, ignored).type();
  if (there != fs::file_type::not_found && there != fs::file_type::regular)
    return status(errc::invalid_argument, tar.string() + ": want a regular file or nothing to write the backup to, found something else");
  ARGOSY_TRY(from.verify());
  ARGOSY_ASSIGN(auto to, partial_file::create(tar));
  ARGOSY_ASSIGN(const auto bytes, backup_writer(from, std::move(to), show, stop).run());
  return backup_receipt{from.number(), bytes};
}

}  // namespace argosy

#include "schema/folder.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "schema/container.hpp"
#include "schema/measure.hpp"
#include "schema/partial.hpp"

namespace argosy {
namespace fs = std::filesystem;
namespace {

constexpr file_kind manifest_kind = {"manifest", 1};
constexpr std::string_view manifest_name = "MANIFEST";

template <class Take>
status read_pieces(const fs::path& path, const descriptor& file, Take take) {
  std::vector<std::byte> piece(1 << 20);
  while (true) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure(path, "read", errno);
    if (got == 0) return {};
    ARGOSY_TRY(take(std::span<const std::byte>(piece).first(static_cast<std::size_t>(got))));
  }
}

using xxh3_state = std::unique_ptr<XXH3_state_t, decltype([](XXH3_state_t* state) { XXH3_freeState(state); })>;

// Bytes and hash of a file, which is on the disk when `sync` is set.
result<folder_file> measure(const fs::path& path, bool sync) {
  folder_file found{path.filename().string()};
  std::uint64_t bytes = 0;
  ARGOSY_ASSIGN(const auto file, open_to_read(path, &bytes));
  const xxh3_state hash(XXH3_createState());
  XXH3_64bits_reset(hash.get());
  ARGOSY_TRY(read_pieces(path, file, [&](std::span<const std::byte> piece) {
    XXH3_64bits_update(hash.get(), piece.data(), piece.size());
    found.bytes += piece.size();
    return status{};
  }));
  found.xxh3 = XXH3_64bits_digest(hash.get());
  if (sync && ::fsync(file.get()) != 0) return system_failure(path, "fsync", errno);
  return found;
}

bool is_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name != manifest_name && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

// The names in a folder, in order. Only regular files belong into one that is sealed.
result<std::vector<std::string>> file_names(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (auto entry = fs::directory_iterator(folder, failed); !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
    std::error_code ignored;
    if (!fs::is_regular_file(entry->symlink_status(ignored))) {
      return status(errc::invalid_argument, entry->path().string() + ": want only regular files in a sealed folder, found something else");
    }
    names.push_back(entry->path().filename().string());
  }
  if (failed) return system_failure(folder, "list", failed.value());
  std::sort(names.begin(), names.end());
  return names;
}

status write_manifest(const sealed_folder& folder) {
  std::string names;
  std::vector<std::uint64_t> name_offsets = {0}, bytes, hashes;
  for (const auto& file : folder.files) {
    names += file.name;
    name_offsets.push_back(names.size());
    bytes.push_back(file.bytes);
    hashes.push_back(file.xxh3);
  }
  ARGOSY_ASSIGN(auto writer, container_writer::create(folder.path / manifest_name, manifest_kind));
  ARGOSY_TRY(writer.add("kind", std::span<const char>(folder.kind)));
  ARGOSY_TRY(writer.add("version", std::span<const std::uint32_t>(&folder.version, 1)));
  ARGOSY_TRY(writer.add("names", std::span<const char>(names)));
  ARGOSY_TRY(writer.add("name_offsets", std::span<const std::uint64_t>(name_offsets)));
  ARGOSY_TRY(writer.add("bytes", std::span<const std::uint64_t>(bytes)));
  ARGOSY_TRY(writer.add("xxh3", std::span<const std::uint64_t>(hashes)));
  return writer.finish();
}

status manifest_failure(const fs::path& folder, std::string_view what) {
  return {errc::corrupt, (folder / manifest_name).string() + ": " + std::string(what)};
}

result<std::vector<folder_file>> manifest_files(const fs::path& folder, const container_reader& manifest) {
  ARGOSY_ASSIGN(const auto names, manifest.section<char>("names"));
  ARGOSY_ASSIGN(const auto name_offsets, manifest.section<std::uint64_t>("name_offsets"));
  ARGOSY_ASSIGN(const auto bytes, manifest.section<std::uint64_t>("bytes"));
  ARGOSY_ASSIGN(const auto hashes, manifest.section<std::uint64_t>("xxh3"));
  if (bytes.size() != hashes.size() || name_offsets.size() != bytes.size() + 1 || name_offsets.front() != 0 ||
      name_offsets.back() != names.size()) {
    return manifest_failure(folder, "name_offsets, names, bytes and xxh3 are not of the same number of files");
  }
  std::vector<folder_file> files;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (name_offsets[i] > name_offsets[i + 1] || name_offsets[i + 1] > names.size())
      return manifest_failure(folder, "name_offsets do not rise");
    const std::string_view name(names.data() + name_offsets[i], name_offsets[i + 1] - name_offsets[i]);
    if (!is_file_name(name)) return manifest_failure(folder, "file " + std::to_string(i) + " has a name that no file of a folder has");
    if (i > 0 && files.back().name >= name) return manifest_failure(folder, "names do not rise");
    files.push_back({std::string(name), bytes[i], hashes[i]});
  }
  return files;
}

result<sealed_folder> read_manifest(const fs::path& folder) {
  ARGOSY_ASSIGN(const auto manifest, container_reader::open(folder / manifest_name, manifest_kind));
  ARGOSY_TRY(manifest.verify());
  ARGOSY_ASSIGN(const auto kind, manifest.section<char>("kind"));
  ARGOSY_ASSIGN(const auto version, manifest.section<std::uint32_t>("version"));
  if (version.size() != 1) return manifest_failure(folder, "version: want 1 number, found " + std::to_string(version.size()));
  ARGOSY_ASSIGN(auto files, manifest_files(folder, manifest));
  return sealed_folder{folder, std::string(kind.begin(), kind.end()), version[0], std::move(files)};
}

status check_sizes(const sealed_folder& folder) {
  for (const auto& file : folder.files) {
    std::uint64_t bytes = 0;
    const auto opened = open_to_read(folder.path / file.name, &bytes);
    if (!opened.ok()) return {errc::corrupt, "a file of a sealed folder: " + opened.failure().message()};
    if (bytes == file.bytes) continue;
    return {errc::corrupt,
            (folder.path / file.name).string() + ": want " + std::to_string(file.bytes) + " bytes, found " + std::to_string(bytes)};
  }
  return {};
}

// A sealed folder of `kind` may be replaced when nothing else lies in it.
status check_replaceable(const fs::path& target, std::string_view kind) {
  const auto old = read_manifest(target);
  if (!old.ok() || old->kind != kind) {
    const std::string found = old.ok() ? "a sealed folder of kind \"" + old->kind + "\"" : old.failure().message();
    return {errc::invalid_argument,
            target.string() + ": want a new name, an empty folder or a sealed one of kind \"" + std::string(kind) + "\", found: " + found};
  }
  ARGOSY_ASSIGN(const auto names, file_names(target));
  for (const auto& name : names) {
    const bool ours =
        name == manifest_name || std::any_of(old->files.begin(), old->files.end(), [&](const auto& file) { return file.name == name; });
    if (!ours)
      return {errc::invalid_argument, (target / name).string() + ": not a file of the sealed folder that is to be replaced; move it away"};
  }
  return {};
}

bool is_new(const fs::path& target) {
  std::error_code ignored;
  return !fs::exists(target, ignored) || (fs::is_directory(target, ignored) && fs::is_empty(target, ignored));
}

// A folder goes under its new name in one step: over nothing or an empty folder, or in exchange with a full one.
status put_in_place(const fs::path& partial, const fs::path& target, bool replaces) {
  const int failed = replaces ? ::renameat2(AT_FDCWD, partial.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE)
                              : ::rename(partial.c_str(), target.c_str());
  if (failed == 0) return {};
  const int error = errno;
  if (!replaces && (error == ENOTEMPTY || error == EEXIST)) {
    return {errc::invalid_argument, target.string() + ": somebody else made it meanwhile"};
  }
  if (replaces && (error == EINVAL || error == ENOSYS)) {
    return {errc::io_error, target.string() + ": this file system cannot exchange folders; write to a new name: " +
                                system_failure(target, "renameat2", error).message()};
  }
  return system_failure(target, "rename", error);
}

// Which file stands under a name.
struct file_identity {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const file_identity&, const file_identity&) = default;
};

result<file_identity> identity_of(const fs::path& path) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0) return system_failure(path, "stat", errno);
  return file_identity{facts.st_dev, facts.st_ino};
}

// File systems without links, links across two of them, and a file with as many links as it can have.
bool needs_copy(int error) { return error == EXDEV || error == EPERM || error == EMLINK || error == EOPNOTSUPP; }

status link_or_copy(const fs::path& from, const fs::path& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return {};
  if (!needs_copy(errno)) return system_failure(from, "link to " + to.string(), errno);
  std::error_code failed;
  fs::copy_file(from, to, failed);
  return failed ? system_failure(from, "copy to " + to.string(), failed.value()) : status{};
}

struct linked_file {
  folder_file file;
  file_identity identity;
};

// A file that is still the linked one has the bytes that it was listed with.
status check_linked(const fs::path& path, const std::vector<linked_file>& linked, const folder_file& found) {
  const auto at = std::find_if(linked.begin(), linked.end(), [&](const linked_file& one) { return one.file.name == found.name; });
  if (at == linked.end()) return {};
  ARGOSY_ASSIGN(const file_identity now, identity_of(path));
  if (now != at->identity || (found.bytes == at->file.bytes && found.xxh3 == at->file.xxh3)) return {};
  return {errc::corrupt, path.string() + ": want the bytes of the folder that it is linked from, xxh3 " + hex_text(at->file.xxh3) +
                             ", found xxh3 " + hex_text(found.xxh3)};
}

}  // namespace

struct folder_writer::work {
  fs::path target;
  locked_path partial;
  std::string kind;
  std::uint32_t version = 0;
  bool replaces = false;
  std::vector<linked_file> linked = {};

  ~work() {
    std::error_code ignored;
    fs::remove_all(partial.path, ignored);
  }
};

folder_writer::folder_writer(std::unique_ptr<work> made) : work_(std::move(made)) {}
folder_writer::folder_writer(folder_writer&&) noexcept = default;
folder_writer::~folder_writer() = default;

const fs::path& folder_writer::path() const noexcept { return work_->partial.path; }

result<folder_writer> folder_writer::create(const fs::path& target, std::string_view kind, std::uint32_t version) {
  std::error_code failed;
  const fs::path absolute = fs::weakly_canonical(fs::absolute(target), failed);
  if (failed) return system_failure(target, "find", failed.value());
  const fs::path place = absolute.has_filename() ? absolute : absolute.parent_path();
  const bool replaces = !is_new(place);
  if (replaces) ARGOSY_TRY(check_replaceable(place, kind));
  if (const auto alive = remove_leftovers(place); !alive.empty()) {
    return status(errc::unavailable, place.string() + ": another writer is at work on it: " + alive.string());
  }
  ARGOSY_ASSIGN(auto partial, make_partial_folder(place));
  return folder_writer(std::unique_ptr<work>(new work{place, std::move(partial), std::string(kind), version, replaces}));
}

status folder_writer::link(const sealed_folder& from) {
  for (const auto& file : from.files) {
    const fs::path to = path() / file.name;
    ARGOSY_TRY(link_or_copy(from.path / file.name, to));
    ARGOSY_ASSIGN(const file_identity identity, identity_of(to));
    work_->linked.push_back({file, identity});
  }
  return {};
}

status folder_writer::seal() {
  ARGOSY_ASSIGN(const auto names, file_names(path()));
  sealed_folder sealed{path(), work_->kind, work_->version, {}};
  for (const auto& name : names) {
    if (!is_file_name(name) || !target_of_partial(name).empty()) {
      return {errc::invalid_argument, (path() / name).string() + ": not a name for a file of a sealed folder, or not finished"};
    }
    ARGOSY_ASSIGN(auto file, measure(path() / name, true));
    ARGOSY_TRY(check_linked(path() / name, work_->linked, file));
    sealed.files.push_back(std::move(file));
  }
  ARGOSY_TRY(write_manifest(sealed));
  ARGOSY_TRY(sync_folder(path()));
  const bool replaces = work_->replaces && !is_new(work_->target);
  if (replaces) ARGOSY_TRY(check_replaceable(work_->target, work_->kind));
  ARGOSY_TRY(put_in_place(path(), work_->target, replaces));
  return sync_folder(work_->target.parent_path());
}

bool is_sealed(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path / manifest_name, ignored));
}

result<sealed_folder> open_manifest(const fs::path& path, std::string_view kind, std::uint32_t version) {
  if (!is_sealed(path)) {
    std::error_code ignored;
    const auto type = fs::status(path, ignored).type();
    const char* found = type == fs::file_type::not_found   ? "nothing of that name"
                        : type == fs::file_type::directory ? "a folder without MANIFEST"
                                                           : "something that is no folder";
    return status(errc::not_found, path.string() + ": want a folder of kind \"" + std::string(kind) + "\", found " + found);
  }
  ARGOSY_ASSIGN(auto folder, read_manifest(path));
  if (folder.kind != kind) {
    return status(errc::invalid_argument,
                  path.string() + ": want a folder of kind \"" + std::string(kind) + "\", found \"" + folder.kind + "\"");
  }
  if (folder.version != version) {
    return status(errc::version_mismatch, path.string() + ": version of kind \"" + folder.kind + "\": want " + std::to_string(version) +
                                              ", found " + std::to_string(folder.version));
  }
  return folder;
}

result<sealed_folder> open_folder(const fs::path& path, std::string_view kind, std::uint32_t version) {
  ARGOSY_ASSIGN(auto folder, open_manifest(path, kind, version));
  ARGOSY_TRY(check_sizes(folder));
  return folder;
}

status verify_folder(const sealed_folder& folder) {
  ARGOSY_ASSIGN(const auto again, read_manifest(folder.path));
  for (const auto& file : again.files) ARGOSY_TRY(verify_file(again, file.name));
  return {};
}

status verify_file(const sealed_folder& folder, std::string_view name) {
  const auto named = [&](const folder_file& file) { return file.name == name; };
  const auto file = std::find_if(folder.files.begin(), folder.files.end(), named);
  if (file == folder.files.end())
    return {errc::not_found, folder.path.string() + ": want " + std::string(name) + ", which its manifest does not name"};
  ARGOSY_ASSIGN(const auto found, measure(folder.path / file->name, false));
  if (found.bytes == file->bytes && found.xxh3 == file->xxh3) return {};
  return {errc::corrupt, (folder.path / file->name).string() + ": want " + std::to_string(file->bytes) +
                             " bytes of the manifest's xxh3, found " + std::to_string(found.bytes) + " bytes" +
                             (found.bytes == file->bytes ? " of another" : "")};
}

status replace_file(const fs::path& path, std::string_view content) {
  ARGOSY_ASSIGN(auto file, partial_file::create(path));
  ARGOSY_TRY(file.append(std::as_bytes(std::span(content))));
  return file.commit();
}

result<std::string> read_file(const fs::path& path, std::uint64_t limit) {
  std::uint64_t bytes = 0;
  ARGOSY_ASSIGN(const auto file, open_to_read(path, &bytes));
  const status too_long(errc::out_of_range, path.string() + ": want at most " + std::to_string(limit) + " bytes, found more");
  if (bytes > limit) return too_long;
  std::string content;
  ARGOSY_TRY(read_pieces(path, file, [&](std::span<const std::byte> piece) {
    content.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return content.size() > limit ? too_long : status{};
  }));
  return content;
}

std::uint64_t xxh3(std::span<const std::byte> bytes) noexcept { return XXH3_64bits(bytes.data(), bytes.size()); }

result<folder_file> measure_file(const fs::path& path) { return measure(path, false); }

std::string hex_text(std::uint64_t value) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(16, '0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, value >>= 4) *at = digits[value & 15];
  return text;
}

}  // namespace argosy

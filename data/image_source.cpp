#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "data/image.hpp"
#include "data/records.hpp"
#include "data/tar_index.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

using bytes = std::vector<std::byte>;

// Of a name that a catalogue may write: relative, without `..`.
status check_name(std::string_view name) {
  const fs::path path(name);
  const bool leaves = path.is_absolute() || std::any_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
  if (name.empty() || leaves || name.find('\0') != std::string_view::npos)
    return {errc::invalid_argument, "image `" + std::string(name) + "`: want a name within the folder or tar of images"};
  return {};
}

status check_bytes(std::string_view name, std::uint64_t found) {
  const std::uint64_t most = image_limits{}.bytes;
  if (found <= most) return {};
  return {errc::out_of_range,
          "image `" + std::string(name) + "`: want at most " + std::to_string(most) + " bytes, found " + std::to_string(found)};
}

status system_failure(std::string_view name) {
  return {errno == ENOENT || errno == ENOTDIR ? errc::not_found : errc::io_error,
          "image `" + std::string(name) + "`: " + std::strerror(errno)};
}

result<bytes> read_at(std::string_view name, int file, std::uint64_t offset, std::uint64_t size) {
  ARGOSY_TRY(check_bytes(name, size));
  bytes held(size);
  for (std::size_t have = 0; have < held.size();) {
    const auto got = ::pread(file, held.data() + have, held.size() - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure(name);
    if (got == 0) return status{errc::io_error, "image `" + std::string(name) + "`: the file became shorter while it was read"};
    have += static_cast<std::size_t>(got);
  }
  return held;
}

bool is_within(const fs::path& folder, const fs::path& file) {
  return std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first == folder.end();
}

}  // namespace

struct image_source::impl {
  fs::path folder;  // canonical; empty: a tar
  tar_index tar;

  // `images/1.jpg` for FOLDER/images/images/1.jpg, else for FOLDER/images/1.jpg: a tar of images that was unpacked.
  fs::path find(std::string_view name, std::error_code& failed) const {
    fs::path path = fs::canonical(folder / name, failed);
    const fs::path relative = fs::path(name).lexically_normal();
    if (failed != std::errc::no_such_file_or_directory || relative.begin() == relative.end() || *relative.begin() != folder.filename())
      return path;
    return fs::canonical(folder / relative.lexically_relative(folder.filename()), failed);
  }

  // Symbolic links are followed as long as they stay within the folder.
  result<bytes> read_file(std::string_view name) const {
    std::error_code failed;
    const fs::path path = find(name, failed);
    if (failed) {
      errno = failed.value();
      return system_failure(name);
    }
    if (!is_within(folder, path))
      return status{errc::invalid_argument, "image `" + std::string(name) + "`: leads out of the folder of images"};
    const open_file file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat about {};
    if (file.get() < 0 || ::fstat(file.get(), &about) != 0) return system_failure(name);
    if (!S_ISREG(about.st_mode)) return status{errc::io_error, "image `" + std::string(name) + "`: not a regular file"};
    return read_at(name, file.get(), 0, static_cast<std::uint64_t>(about.st_size));
  }

  result<bytes> read_member(std::string_view name) const {
    while (name.starts_with("./")) name.remove_prefix(2);
    const auto found = tar.members.find(name);
    if (found == tar.members.end()) return status{errc::not_found, "image `" + std::string(name) + "`: not in the tar"};
    return read_at(name, tar.file.get(), found->second.offset, found->second.bytes);
  }
};

image_source::image_source(std::shared_ptr<const impl> opened) : impl_(std::move(opened)) {}

result<image_source> image_source::open(const fs::path& folder_or_tar) {
  auto opened = std::make_shared<impl>();
  std::error_code failed;
  if (!fs::exists(folder_or_tar, failed)) return status{errc::not_found, folder_or_tar.string() + ": no folder or tar of images"};
  if (fs::is_directory(folder_or_tar, failed)) {
    opened->folder = fs::canonical(folder_or_tar, failed);
    if (failed) return status{errc::io_error, folder_or_tar.string() + ": " + failed.message()};
  } else {
    ARGOSY_ASSIGN(opened->tar, tar_index::open(folder_or_tar));
  }
  return image_source(std::move(opened));
}

result<bytes> image_source::read(std::string_view name) const {
  ARGOSY_TRY(check_name(name));
  return impl_->folder.empty() ? impl_->read_member(name) : impl_->read_file(name);
}

}  // namespace argosy

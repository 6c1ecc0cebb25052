#include "net/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "schema/folder.hpp"

namespace argosy {
namespace {

constexpr std::uint64_t longest_secret = 1024;

status refused(const std::filesystem::path& path) {
  return {errno == ENOENT ? errc::not_found : errc::io_error, path.string() + ": " + std::strerror(errno)};
}

std::string octal(unsigned mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", mode & 07777);
  return text;
}

}  // namespace

status check_mode(const std::filesystem::path& path, unsigned bits) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return refused(path);
  if (!S_ISREG(found.st_mode)) return {errc::invalid_argument, path.string() + ": want a file, found something else"};
  if ((found.st_mode & bits) == 0) return {};
  return {errc::invalid_argument, path.string() + ": want a file that others may not " +
                                      (bits == written_by_group_or_others ? "write" : "read") + ", found mode " + octal(found.st_mode) +
                                      "; chmod " + octal(found.st_mode & 0777 & ~bits) + " mends it"};
}

result<std::string> read_secret(const std::filesystem::path& path) {
  ARGOSY_TRY(check_mode(path, for_group_and_others));
  ARGOSY_ASSIGN(std::string text, read_file(path, longest_secret));
  if (text.ends_with('\n')) text.pop_back();
  if (text.empty() || text.find_first_of(" \t\r\n") != std::string::npos)
    return status(errc::invalid_argument, path.string() + ": want one line with a key, found " + (text.empty() ? "nothing" : "more"));
  return text;
}

status write_new_file(const std::filesystem::path& path, std::string_view line, unsigned mode) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, static_cast<mode_t>(mode));
  if (file < 0) return {errno == EEXIST ? errc::invalid_argument : errc::io_error, path.string() + ": " + std::strerror(errno)};
  const std::string text = std::string(line) + "\n";
  const bool whole = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  status failure = whole ? status() : refused(path);
  ::close(file);
  if (!whole) ::unlink(path.c_str());
  return failure;
}

}  // namespace argosy

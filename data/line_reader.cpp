#include "data/line_reader.hpp"

#include <zlib.h>

#include <cerrno>
#include <cstring>

namespace argosy {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

gzFile gzip(void* held) noexcept { return static_cast<gzFile>(held); }

status read_failure(const std::filesystem::path& path, gzFile file) {
  int code = Z_OK;
  const char* why = gzerror(file, &code);
  if (code == Z_ERRNO) return {errc::io_error, path.string() + ": " + std::strerror(errno)};
  if (code == Z_BUF_ERROR) return {errc::corrupt, path.string() + ": truncated: the gzip stream has no end"};
  return {errc::corrupt, path.string() + ": damaged gzip: " + why};
}

}  // namespace

void byte_reader::close_gzip::operator()(void* file) const noexcept { gzclose_r(gzip(file)); }

result<byte_reader> byte_reader::open(const std::filesystem::path& path) {
  byte_reader made;
  made.path_ = path;
  errno = 0;
  made.file_.reset(gzopen(path.c_str(), "rbe"));
  if (made.file_ == nullptr)
    return status{errno == ENOENT ? errc::not_found : errc::io_error, path.string() + ": " + std::strerror(errno == 0 ? ENOMEM : errno)};
  gzbuffer(gzip(made.file_.get()), 1u << 17);
  return made;
}

result<std::size_t> byte_reader::read(std::span<char> into) {
  const gzFile file = gzip(file_.get());
  const int got = gzread(file, into.data(), static_cast<unsigned>(into.size()));
  if (got < 0) return read_failure(path_, file);
  int code = Z_OK;
  gzerror(file, &code);
  if (got == 0 && code != Z_OK) return read_failure(path_, file);
  return static_cast<std::size_t>(got);
}

result<line_reader> line_reader::open(const std::filesystem::path& path) {
  ARGOSY_ASSIGN(auto bytes, byte_reader::open(path));
  return line_reader(std::move(bytes));
}

status line_reader::fill() {
  const auto got = bytes_.read(chunk_);
  if (!got.ok()) return got.failure().within("after line " + std::to_string(number_));
  rest_ = {chunk_.data(), *got};
  at_end_ = rest_.empty();
  return {};
}

result<bool> line_reader::next(line* to) {
  pending_.clear();
  bool too_long = false, ended = false;
  std::string_view text;
  while (!ended) {
    if (rest_.empty()) ARGOSY_TRY(fill());
    if (at_end_) break;
    const std::size_t end = rest_.find('\n');
    ended = end != std::string_view::npos;
    const std::string_view part = rest_.substr(0, end);
    rest_.remove_prefix(ended ? end + 1 : rest_.size());
    too_long = too_long || pending_.size() + part.size() > longest_line;
    text = part;
    if (too_long || (ended && pending_.empty())) continue;
    text = pending_.append(part);
  }
  if (!ended && text.empty() && !too_long) return false;
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (++number_ == 1 && text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  *to = {too_long ? std::string_view{} : text, number_, too_long};
  return true;
}

}  // namespace argosy

// A text file line by line, plain or gzip (told by its magic), in constant memory.
//   Lines end with \n or \r\n; a byte order mark at the start of the file is dropped.
//   A line over `longest_line` bytes is skipped and reported as such; what follows it is read on.
// Errors  io_error and corrupt name the file and the line: missing, a truncated or damaged gzip.
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

inline constexpr std::size_t longest_line = std::size_t{16} << 20;

// A gzip or plain file, decompressed, in pieces.
class byte_reader {
public:
  static result<byte_reader> open(const std::filesystem::path&);
  // How many bytes were read; 0 at the end.
  result<std::size_t> read(std::span<char> into);
  const std::filesystem::path& path() const noexcept { return path_; }

private:
  struct close_gzip {
    void operator()(void*) const noexcept;
  };
  byte_reader() = default;
  std::filesystem::path path_;
  std::unique_ptr<void, close_gzip> file_;  // gzFile
};

class line_reader {
public:
  static result<line_reader> open(const std::filesystem::path&);

  struct line {
    std::string_view text;  // valid until the next call; empty when too long
    std::uint64_t number = 0;
    bool too_long = false;
  };
  // False at the end of the file.
  result<bool> next(line*);
  const std::filesystem::path& path() const noexcept { return bytes_.path(); }

private:
  explicit line_reader(byte_reader bytes) : bytes_(std::move(bytes)) {}
  status fill();

  byte_reader bytes_;
  std::vector<char> chunk_ = std::vector<char>(std::size_t{1} << 18);
  std::string_view rest_;  // of the chunk
  std::string pending_;    // of a line that began in an earlier chunk
  std::uint64_t number_ = 0;
  bool at_end_ = false;
};

}  // namespace argosy

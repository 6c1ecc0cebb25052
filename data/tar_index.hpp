// Where the members of a tar lie, so that they can be read at random. A gzip tar is first decompressed into a nameless temporary file.
// Regular files only; a name that occurs twice means its last member, as tar itself has it; a leading `./` is dropped.
// Errors  corrupt for a damaged or truncated tar, io_error when the temporary file cannot be written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/status.hpp"

namespace argosy {

class open_file {
public:
  explicit open_file(int descriptor = -1) noexcept : descriptor_(descriptor) {}
  open_file(open_file&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  open_file& operator=(open_file&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~open_file();
  int get() const noexcept { return descriptor_; }

private:
  int descriptor_;
};

struct tar_member {
  std::uint64_t offset = 0, bytes = 0;
};

using member_map = std::map<std::string, tar_member, std::less<>>;

struct tar_index {
  open_file file;  // plain tar, to be read by pread
  member_map members;

  static result<tar_index> open(const std::filesystem::path&);
};

}  // namespace argosy

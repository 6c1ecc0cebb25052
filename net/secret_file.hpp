// Files with a secret of one line, and what others may do with such files.
// Errors   name the file; invalid_argument: others may read it, or it is not one line; io_error, not_found: of the operating system.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/status.hpp"

namespace argosy {

// Bits of a file's mode.
inline constexpr unsigned for_group_and_others = 077, for_others = 007, written_by_group_or_others = 022;

// Refuses a file that has any of these.
status check_mode(const std::filesystem::path&, unsigned refused);
// Its line, of a file that nobody else may read.
result<std::string> read_secret(const std::filesystem::path&);
// A new file of one line; one that is there stays, and is refused.
status write_new_file(const std::filesystem::path&, std::string_view line, unsigned mode);

}  // namespace argosy

// Length and checksum of one file, as a manifest (folder.hpp) lists them.
#pragma once

#include <filesystem>

#include "base/status.hpp"
#include "schema/folder.hpp"

namespace argosy {

// Reads all of a regular file. not_found, io_error.
result<folder_file> measure_file(const std::filesystem::path&);

}  // namespace argosy

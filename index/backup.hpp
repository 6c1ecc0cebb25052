// One generation as a plain tar (ustar, pax where a file is too large for it), and back.
//   generation-NNNNNN/MANIFEST, then generation-NNNNNN/NAME for each file of the manifest in its order; nothing else.
// `tar xf` gives the sealed folder. No compression: vectors do not shrink, and `zstd` or `gzip` take a pipe's place.
// Writing   into a partial file, fsync, rename; a file whose bytes are not those of the manifest ends it (corrupt).
// Reading   nothing that the manifest does not name is written, and nothing outside of the new generation's partial folder: a member that
//           is a link, has another size or place than the manifest says, or comes twice is corrupt. All of it is verified, and opened, before
//           it gets a number.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>

#include "base/status.hpp"

namespace argosy {

using backup_progress = std::function<void(std::uint64_t done_bytes, std::uint64_t total_bytes)>;

struct backup_receipt {
  std::uint64_t generation = 0, bytes = 0;  // bytes of the tar
};

// Generation `number`, or the current one. aborted when stopped, with nothing left.
result<backup_receipt> back_up(const std::filesystem::path& store, std::optional<std::uint64_t> number, const std::filesystem::path& tar,
                               const backup_progress&, const std::stop_token&);

// As a new generation of the store, which is made if it is not there, and current. Returns its number.
result<std::uint64_t> restore_backup(const std::filesystem::path& store, const std::filesystem::path& tar, const backup_progress&,
                                     const std::stop_token&);

}  // namespace argosy

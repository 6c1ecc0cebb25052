// The generations of a store: which there are, going back to one, and letting old ones go. generation.hpp tells what one is.
// A reader that has opened a generation is undisturbed by all of it: files are only unlinked, and live as long as they are mapped.
// Killed at any moment, CURRENT names a whole generation, and no half of one has a generation's name.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/status.hpp"

namespace argosy {

struct stored_generation {
  std::uint64_t number = 0;
  bool current = false;
  status failure = {};  // why it cannot be opened; then what follows `bytes` is unknown
  std::chrono::sys_seconds sealed = {};
  std::uint64_t bytes = 0;         // of its files, which other generations may share
  std::vector<std::string> files;  // by name
  std::uint64_t products = 0;
  std::string index;          // the kind of its index
  std::uint64_t changes = 0;  // that are kept of it (live_store.hpp)
};

// Rising. Opens each, which verifies all but the bytes of vectors and model.
result<std::vector<stored_generation>> list_generations(const std::filesystem::path& store);

// Every byte.
status verify_generation(const std::filesystem::path& store, std::uint64_t number);

// Makes generation `to` current, or the one before the current one, after verifying every byte of it. Returns its number.
// not_found when there is none; invalid_argument when it is current already.
result<std::uint64_t> roll_back(const std::filesystem::path& store, std::optional<std::uint64_t> to);

// Removes all but the newest `keep` generations and the current one, and the changes kept of them (live_store.hpp): by a rename to
// NNNNNN.removed first, then file by file. Returns what went. invalid_argument for keep = 0; refuses a store whose CURRENT cannot be read.
result<std::vector<std::uint64_t>> prune_generations(const std::filesystem::path& store, std::size_t keep);

// Marks a generation in the making, number `made`, as one that compaction made of `from`: `compacted.argosy`. Those that somebody
// published, tuned or gave pairs are not so marked, though they may share this file.
status mark_compacted(const std::filesystem::path& folder, std::uint64_t made, std::uint64_t from);
// As prune_generations() among those alone that compaction made, and of them all that never became current, since their maker was killed:
// what people made, they let go of. REQUIRES that nobody compacts the store meanwhile.
result<std::vector<std::uint64_t>> prune_compacted(const std::filesystem::path& store, std::size_t keep);

}  // namespace argosy

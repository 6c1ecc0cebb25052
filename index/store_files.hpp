// The names in a store, and the lock under which CURRENT is switched and generations go. Not for other rooms.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "schema/partial.hpp"

namespace argosy {

inline constexpr std::string_view generation_kind = "generation";
inline constexpr std::uint32_t generation_version = 1;

std::string number_text(std::uint64_t number);  // as its folder is named: at least 6 digits
std::filesystem::path generation_folder(const std::filesystem::path& store, std::uint64_t number);

// Rising. A store without generations has none.
result<std::vector<std::uint64_t>> sealed_numbers(const std::filesystem::path& store);
// Above every generation there is, every one that somebody is writing, and every one that changes are kept of. Makes the store; removes what
// killed writers and pruners left.
result<std::uint64_t> next_number(const std::filesystem::path& store);

// What CURRENT names, with the checksum of its manifest compared. not_found without CURRENT.
result<std::uint64_t> current_number(const std::filesystem::path& store);
// Waits for the lock, then replaces CURRENT. With `of_same_products`, the generation that it has its products from, both have one journal of
// changes from then on; unavailable when that is not the current one any more.
status make_current(const std::filesystem::path& store, std::uint64_t number, std::optional<std::uint64_t> of_same_products = {});
// For who holds the lock: whether the current one is still what another was made from.
status expect_current(const std::filesystem::path& store, std::uint64_t number);
// The same for who holds the lock.
status replace_current(const std::filesystem::path& store, std::uint64_t number);
// Held while CURRENT is switched or a generation loses its name, so that neither happens to the other's generation. The kernel lets go of
// it when its process dies.
result<descriptor> lock_store(const std::filesystem::path& store);

// The journal of what changed since the generation was published (live_store.hpp). Generations of the same products share one, by hard links.
std::filesystem::path changes_path(const std::filesystem::path& store, std::uint64_t number);
status remove_changes(const std::filesystem::path& store, std::uint64_t number);
// For who holds the lock: the journals of generations that have lost their names.
status remove_changes_of_none(const std::filesystem::path& store);

// A generation that was sealed and never current, with its changes. Takes the lock.
void remove_unread(const std::filesystem::path& store, std::uint64_t number);
void remove_unread_locked(const std::filesystem::path& store, std::uint64_t number);  // for who holds it
// The name of a generation that goes: never read, removed by the next writer or pruner. Its number is taken until then.
std::filesystem::path removed_folder(const std::filesystem::path& store, std::uint64_t number);
void remove_removed(const std::filesystem::path& store);

}  // namespace argosy

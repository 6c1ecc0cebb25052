#include "index/store_files.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/log.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view current_name = "CURRENT", generations_name = "generations", removed_mark = ".removed", changes_name = "changes";
constexpr std::uint64_t manifest_limit = 1 << 26;

// The number that `text` begins with, if it is one of ours.
std::optional<std::uint64_t> leading_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number == 0 || number_text(number) != std::string_view(text.data(), end)) return std::nullopt;
  return number;
}

// Every name in a folder of the store that begins with a number.
struct numbered_name {
  std::uint64_t number;
  std::string name;
  bool sealed() const { return name == number_text(number); }
  bool removed() const { return name == number_text(number) + std::string(removed_mark); }
};

result<std::vector<numbered_name>> numbered_names(const fs::path& store, std::string_view in = generations_name) {
  const fs::path folder = store / in;
  std::vector<numbered_name> found;
  std::error_code failed;
  if (!fs::exists(folder, failed) && !failed) return found;
  for (auto entry = fs::directory_iterator(folder, failed); !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
    std::string name = entry->path().filename().string();
    if (const auto number = leading_number(name)) found.push_back({*number, std::move(name)});
  }
  if (failed) return system_failure(folder, "list", failed.value());
  return found;
}

result<std::string> current_line(const fs::path& store, std::uint64_t number) {
  ARGOSY_ASSIGN(const auto manifest, read_file(generation_folder(store, number) / "MANIFEST", manifest_limit));
  return number_text(number) + " " + hex_text(xxh3(std::as_bytes(std::span(manifest)))) + "\n";
}

result<std::string> read_current(const fs::path& store) {
  const fs::path path = store / current_name;
  std::error_code ignored;
  if (fs::symlink_status(path, ignored).type() == fs::file_type::not_found) {
    const char* found = fs::exists(store, ignored) ? "no CURRENT in it" : "nothing of that name";
    return status(errc::not_found, store.string() + ": want a store, found " + found + "; `argosy publish --store` writes one");
  }
  return read_file(path, 64);
}

// What a line of CURRENT names, when that generation's manifest has its checksum.
result<std::uint64_t> number_in(const fs::path& store, std::string_view line) {
  const fs::path path = store / current_name;
  const auto number = leading_number(line);
  if (!number) return status(errc::corrupt, path.string() + ": offset 0: want the number of a generation, found something else");
  const auto expected = current_line(store, *number);
  if (!expected.ok()) return expected.failure().within(path.string() + " names generation " + number_text(*number));
  if (line == *expected) return *number;
  return status(errc::corrupt, path.string() + ": want the number of a generation and the xxh3 of its MANIFEST, \"" +
                                   expected->substr(0, expected->size() - 1) + "\", found something else");
}

// An empty file is a journal that nobody has begun. One that a killed publisher linked is replaced.
status link_changes(const fs::path& store, std::uint64_t from, std::uint64_t to) {
  const fs::path there = changes_path(store, from), here = changes_path(store, to);
  std::error_code failed;
  fs::create_directories(there.parent_path(), failed);
  if (failed) return system_failure(there.parent_path(), "make folder", failed.value());
  if (!descriptor(::open(there.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644))) return system_failure(there, "make", errno);
  ARGOSY_TRY(remove_changes(store, to));
  fs::create_hard_link(there, here, failed);
  if (failed) return system_failure(here, "link to " + there.string(), failed.value());
  return sync_folder(here.parent_path());
}

}  // namespace

std::string number_text(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits;
}

fs::path generation_folder(const fs::path& store, std::uint64_t number) { return store / generations_name / number_text(number); }

fs::path removed_folder(const fs::path& store, std::uint64_t number) {
  return store / generations_name / (number_text(number) + std::string(removed_mark));
}

result<std::vector<std::uint64_t>> sealed_numbers(const fs::path& store) {
  ARGOSY_ASSIGN(const auto names, numbered_names(store));
  std::vector<std::uint64_t> numbers;
  for (const auto& one : names) {
    if (one.sealed()) numbers.push_back(one.number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

result<std::uint64_t> next_number(const fs::path& store) {
  std::error_code failed;
  fs::create_directories(store / generations_name, failed);
  if (failed) return system_failure(store / generations_name, "make folder", failed.value());
  ARGOSY_ASSIGN(const auto names, numbered_names(store));
  std::uint64_t largest = 0;
  for (const auto& one : names) {
    const bool taken = one.sealed() || one.removed() || !remove_leftovers(generation_folder(store, one.number)).empty();
    if (taken) largest = std::max(largest, one.number);
  }
  remove_removed(store);
  ARGOSY_ASSIGN(const auto changes, numbered_names(store, changes_name));
  for (const auto& one : changes) largest = std::max(largest, one.number);
  return largest + 1;
}

result<std::uint64_t> current_number(const fs::path& store) {
  ARGOSY_ASSIGN(auto line, read_current(store));
  while (true) {
    auto number = number_in(store, line);
    if (number.ok()) return number;
    ARGOSY_ASSIGN(auto again, read_current(store));
    if (again == line) return number;  // else its generation went because another is current
    line = std::move(again);
  }
}

fs::path changes_path(const fs::path& store, std::uint64_t number) { return store / changes_name / (number_text(number) + ".journal"); }

status remove_changes(const fs::path& store, std::uint64_t number) {
  std::error_code failed;
  fs::remove(changes_path(store, number), failed);
  return failed ? system_failure(changes_path(store, number), "remove", failed.value()) : status{};
}

status remove_changes_of_none(const fs::path& store) {
  ARGOSY_ASSIGN(const auto journals, numbered_names(store, changes_name));
  std::error_code failed;
  for (const auto& one : journals) {
    if (!fs::exists(generation_folder(store, one.number), failed) && !failed) ARGOSY_TRY(remove_changes(store, one.number));
    if (failed) return system_failure(generation_folder(store, one.number), "look for", failed.value());
  }
  return {};
}

status make_current(const fs::path& store, std::uint64_t number, std::optional<std::uint64_t> of_same_products) {
  ARGOSY_ASSIGN(const descriptor lock, lock_store(store));
  if (of_same_products) {
    ARGOSY_TRY(expect_current(store, *of_same_products));
    ARGOSY_TRY(link_changes(store, *of_same_products, number));
  }
  return replace_current(store, number);
}

status expect_current(const fs::path& store, std::uint64_t number) {
  ARGOSY_ASSIGN(const auto now, current_number(store));
  if (now == number) return {};
  return {errc::unavailable, store.string() + ": generation " + std::to_string(now) +
                                 " became current meanwhile, this work is of generation " + std::to_string(number) +
                                 ": run the command again"};
}

status replace_current(const fs::path& store, std::uint64_t number) {
  ARGOSY_ASSIGN(const auto line, current_line(store, number));
  return replace_file(store / current_name, line);
}

result<descriptor> lock_store(const fs::path& store) {
  const fs::path folder = store / generations_name;
  descriptor lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock) return system_failure(folder, "open", errno);
  while (::flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return system_failure(folder, "lock", errno);
  }
  return lock;
}

void remove_unread(const fs::path& store, std::uint64_t number) {
  const auto lock = lock_store(store);
  if (lock.ok()) remove_unread_locked(store, number);
}

void remove_unread_locked(const fs::path& store, std::uint64_t number) {
  std::error_code failed;
  fs::rename(generation_folder(store, number), removed_folder(store, number), failed);
  if (const status end = remove_changes_of_none(store); !end.ok()) log::warning(end.message());
  remove_removed(store);
}

void remove_removed(const fs::path& store) {
  const auto names = numbered_names(store);
  if (!names.ok()) return;
  std::error_code ignored;
  for (const auto& one : *names) {
    if (one.removed()) fs::remove_all(removed_folder(store, one.number), ignored);
  }
}

}  // namespace argosy

#include "index/store.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "index/generation.hpp"
#include "index/store_files.hpp"
#include "schema/container.hpp"
#include "schema/journal.hpp"
#include "schema/product_change.hpp"

namespace argosy {
namespace fs = std::filesystem;
namespace {

constexpr file_kind compaction_kind = {"compaction", 1};
constexpr std::string_view compacted_name = "compacted.argosy";

// When its manifest was written, the last thing before its name.
result<std::chrono::sys_seconds> time_of_sealing(const fs::path& folder) {
  struct stat facts {};
  if (::stat((folder / "MANIFEST").c_str(), &facts) != 0) return system_failure(folder / "MANIFEST", "stat", errno);
  return std::chrono::sys_seconds(std::chrono::seconds(facts.st_mtim.tv_sec));
}

// Reads all of them.
status count_changes(const fs::path& store, std::uint64_t number, std::uint64_t& to) {
  const auto count = [&](std::uint64_t, std::span<const std::byte>) -> status { return ++to, status{}; };
  const status read = read_journal(changes_path(store, number), change_journal_kind, count).failure();
  return read.code() == errc::not_found ? status{} : read;
}

status describe(const fs::path& store, stored_generation& to) {
  const fs::path folder = generation_folder(store, to.number);
  ARGOSY_ASSIGN(to.sealed, time_of_sealing(folder));
  ARGOSY_ASSIGN(const auto opened, generation::open(store, to.number));
  for (const auto& file : opened.folder().files) {
    to.bytes += file.bytes;
    to.files.push_back(file.name);
  }
  to.products = opened.products();
  to.index = opened.index().kind();
  return count_changes(store, to.number, to.changes);
}

result<std::uint64_t> before(const fs::path& store, std::uint64_t current) {
  ARGOSY_ASSIGN(const auto numbers, sealed_numbers(store));
  const auto at = std::lower_bound(numbers.begin(), numbers.end(), current);
  if (at != numbers.begin()) return *(at - 1);
  return status(errc::not_found, store.string() + ": no generation before the current one, " + std::to_string(current));
}

result<std::uint64_t> target_of_roll_back(const fs::path& store, std::optional<std::uint64_t> to) {
  const auto current = current_number(store);
  if (!to && !current.ok()) return current.failure();
  if (!to) return before(store, *current);
  if (current.ok() && *current == *to) {
    return status(errc::invalid_argument, store.string() + ": generation " + std::to_string(*to) + " is the current one already");
  }
  return *to;
}

// One that cannot be read is left to people.
bool is_compacted(const fs::path& store, std::uint64_t number) {
  const auto file = container_reader::open(generation_folder(store, number) / compacted_name, compaction_kind);
  if (!file.ok()) return false;
  const auto numbers = file->section<std::uint64_t>("numbers");
  return numbers.ok() && numbers->size() == 2 && numbers->front() == number;
}

void let_newest_stay(std::vector<std::uint64_t>& rising, std::size_t keep) { rising.resize(rising.size() - std::min(keep, rising.size())); }

// What became current has a journal since.
bool was_current(const fs::path& store, std::uint64_t number) {
  std::error_code failed;
  return fs::exists(changes_path(store, number), failed) || failed;
}

// Of all there are, what compaction made and nobody needs.
std::vector<std::uint64_t> old_compacted(const fs::path& store, std::vector<std::uint64_t> numbers, std::size_t keep) {
  std::erase_if(numbers, [&](std::uint64_t number) { return !is_compacted(store, number); });
  const auto unread =
      std::stable_partition(numbers.begin(), numbers.end(), [&](std::uint64_t number) { return was_current(store, number); });
  std::vector<std::uint64_t> go(unread, numbers.end());
  numbers.erase(unread, numbers.end());
  let_newest_stay(numbers, keep);
  go.insert(go.end(), numbers.begin(), numbers.end());
  std::sort(go.begin(), go.end());
  return go;
}

// Those that `choose` takes of all lose their names under the lock; their files take longer.
template <class Choose>
result<std::vector<std::uint64_t>> rename_old(const fs::path& store, std::size_t keep, Choose choose) {
  if (keep == 0) return status(errc::invalid_argument, "generations to keep: want at least 1, got 0");
  ARGOSY_ASSIGN(const descriptor lock, lock_store(store));
  remove_removed(store);
  ARGOSY_ASSIGN(const auto current, current_number(store));
  ARGOSY_ASSIGN(auto sealed, sealed_numbers(store));
  std::vector<std::uint64_t> numbers = choose(std::move(sealed));
  std::erase(numbers, current);
  for (const auto number : numbers) {
    const fs::path from = generation_folder(store, number);
    if (::rename(from.c_str(), removed_folder(store, number).c_str()) != 0) return system_failure(from, "rename", errno);
  }
  ARGOSY_TRY(sync_folder(store / "generations"));
  ARGOSY_TRY(remove_changes_of_none(store));
  return numbers;
}

}  // namespace

result<std::vector<stored_generation>> list_generations(const fs::path& store) {
  const auto current = current_number(store);
  ARGOSY_ASSIGN(const auto numbers, sealed_numbers(store));
  if (!current.ok() && numbers.empty()) return current.failure();
  std::vector<stored_generation> all;
  for (const auto number : numbers) {
    stored_generation one;
    one.number = number;
    one.current = current.ok() && *current == number;
    one.failure = describe(store, one);
    all.push_back(std::move(one));
  }
  return all;
}

status verify_generation(const fs::path& store, std::uint64_t number) {
  ARGOSY_ASSIGN(const auto opened, generation::open(store, number));
  ARGOSY_TRY(opened.verify());
  std::uint64_t changes = 0;
  return count_changes(store, number, changes);
}

result<std::uint64_t> roll_back(const fs::path& store, std::optional<std::uint64_t> to) {
  ARGOSY_ASSIGN(const auto target, target_of_roll_back(store, to));
  ARGOSY_TRY(verify_generation(store, target));
  ARGOSY_TRY(make_current(store, target));
  return target;
}

result<std::vector<std::uint64_t>> prune_generations(const fs::path& store, std::size_t keep) {
  const auto old = [keep](std::vector<std::uint64_t> numbers) { return let_newest_stay(numbers, keep), numbers; };
  ARGOSY_ASSIGN(auto gone, rename_old(store, keep, old));
  remove_removed(store);
  return gone;
}

status mark_compacted(const fs::path& folder, std::uint64_t made, std::uint64_t from) {
  ARGOSY_ASSIGN(auto file, container_writer::create(folder / compacted_name, compaction_kind));
  const std::uint64_t numbers[] = {made, from};
  ARGOSY_TRY(file.add("numbers", std::span<const std::uint64_t>(numbers)));
  return file.finish();
}

result<std::vector<std::uint64_t>> prune_compacted(const fs::path& store, std::size_t keep) {
  const auto old = [&](std::vector<std::uint64_t> numbers) { return old_compacted(store, std::move(numbers), keep); };
  ARGOSY_ASSIGN(auto gone, rename_old(store, keep, old));
  remove_removed(store);
  return gone;
}

}  // namespace argosy

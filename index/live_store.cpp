#include "index/live_store.hpp"

#include <utility>

#include "index/store_files.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace fs = std::filesystem;
namespace {

take_record into(std::vector<product_change>& changes) {
  return [&changes](std::uint64_t, std::span<const std::byte> bytes) -> status {
    ARGOSY_ASSIGN(auto change, decode_change(bytes));
    changes.push_back(std::move(change));
    return {};
  };
}

// What a reader reads, and the last record of it.
struct read_changes {
  std::vector<product_change> all;
  std::uint64_t last_at = 0, last_xxh3 = 0;

  status take(std::uint64_t offset, std::span<const std::byte> bytes) {
    last_at = offset;
    last_xxh3 = xxh3(bytes);
    return into(all)(offset, bytes);
  }
};

result<live_generation> replayed(generation of, std::vector<product_change> changes, const text_rules& rules) {
  live_generation published(std::move(of));
  if (changes.empty()) return published;
  return published.after(std::move(changes), rules);
}

// Under the store's lock, so that nobody makes a generation of the same products current before it shares the journal.
struct locked_changes {
  generation of;
  journal changes;
};
result<locked_changes> open_changes(const fs::path& store, std::vector<product_change>& found) {
  ARGOSY_TRY(generation::open_current(store).failure());
  ARGOSY_ASSIGN(const descriptor lock, lock_store(store));
  ARGOSY_ASSIGN(auto current, generation::open_current(store));
  ARGOSY_ASSIGN(auto changes, journal::open(changes_path(store, current.number()), change_journal_kind, into(found)));
  return locked_changes{std::move(current), std::move(changes)};
}

std::string state_text(std::uint64_t current, std::uint64_t journal_bytes) {
  return number_text(current) + " " + std::to_string(journal_bytes);
}

}  // namespace

result<live_mark> open_mark(const fs::path& store, const rules_of_generation& rules_of) {
  ARGOSY_ASSIGN(auto current, generation::open_current(store));
  read_changes found;
  const auto take = [&](std::uint64_t offset, std::span<const std::byte> bytes) { return found.take(offset, bytes); };
  const auto read = read_journal(changes_path(store, current.number()), change_journal_kind, take);
  if (!read.ok() && read.failure().code() != errc::not_found) return read.failure();
  // One that is not there may have gone with its generation.
  if (!read.ok() && expect_current(store, current.number()).code() == errc::unavailable) return open_mark(store, rules_of);
  ARGOSY_ASSIGN(const text_rules rules, rules_of(current));
  ARGOSY_ASSIGN(auto moment, replayed(std::move(current), std::move(found.all), rules));
  return live_mark{std::move(moment), read.ok() ? read.value() : 0, found.last_at, found.last_xxh3};
}

result<live_generation> open_live(const fs::path& store, const rules_of_generation& rules_of) {
  ARGOSY_ASSIGN(auto opened, open_mark(store, rules_of));
  return std::move(opened.moment);
}

// A writer that failed may have cut off what was read already, and another record may have its place: the last one is read once more. Where
// it or anything else is not as expected, all is read again.
result<live_mark> read_on(const fs::path& store, const rules_of_generation& rules_of, const live_mark& before) {
  const generation& published = before.moment.published();
  ARGOSY_ASSIGN(const auto current, current_number(store));
  if (current != published.number()) return open_mark(store, rules_of);
  read_changes found{{}, before.last_at, before.last_xxh3};
  const auto take = [&](std::uint64_t offset, std::span<const std::byte> bytes) -> status {
    if (offset != before.last_at) return found.take(offset, bytes);
    return xxh3(bytes) == before.last_xxh3 ? status{} : status(errc::corrupt, "another record than before");
  };
  const std::uint64_t from = before.last_at > 0 ? before.last_at : before.journal_bytes;
  const auto read = read_journal(changes_path(store, current), change_journal_kind, take, from);
  if (!read.ok() || read.value() < before.journal_bytes) return open_mark(store, rules_of);
  if (found.all.empty()) return live_mark{before.moment, read.value(), found.last_at, found.last_xxh3};
  ARGOSY_ASSIGN(const text_rules rules, rules_of(published));
  ARGOSY_ASSIGN(auto moment, before.moment.after(std::move(found.all), rules));
  return live_mark{std::move(moment), read.value(), found.last_at, found.last_xxh3};
}

// Reads beyond `until`, where a writer may be writing, and takes nothing from there.
result<caught_up> catch_up(const fs::path& store, const rules_of_generation& rules_of, std::uint64_t made, const live_mark& from,
                           const live_mark& until) {
  std::vector<product_change> since;
  const auto take = [&](std::uint64_t offset, std::span<const std::byte> bytes) -> status {
    return offset < until.journal_bytes ? into(since)(offset, bytes) : status{};
  };
  if (until.journal_bytes > from.journal_bytes)
    ARGOSY_TRY(
        read_journal(changes_path(store, from.moment.published().number()), change_journal_kind, take, from.journal_bytes).failure());
  ARGOSY_ASSIGN(auto published, generation::open(store, made));
  ARGOSY_ASSIGN(text_rules rules, rules_of(published));
  ARGOSY_ASSIGN(auto moment, replayed(std::move(published), std::move(since), rules));
  return caught_up{std::move(moment), std::move(rules), until.journal_bytes};
}

result<std::string> state_of_store(const fs::path& store) {
  ARGOSY_ASSIGN(const auto current, current_number(store));
  std::error_code failed;
  const auto bytes = fs::file_size(changes_path(store, current), failed);
  return state_text(current, failed ? 0 : bytes);
}

std::string state_at(const live_mark& mark) { return state_text(mark.moment.published().number(), mark.journal_bytes); }

live_store::live_store(fs::path store, rules_of_generation rules_of, text_rules rules, journal changes, live_generation now)
    : store_(std::move(store)),
      rules_of_(std::move(rules_of)),
      rules_(std::move(rules)),
      changes_(std::move(changes)),
      now_(std::make_shared<const live_generation>(std::move(now))) {}

result<std::unique_ptr<live_store>> live_store::open(const fs::path& store, const rules_of_generation& rules_of) {
  std::vector<product_change> found;
  ARGOSY_ASSIGN(auto opened, open_changes(store, found));
  ARGOSY_ASSIGN(text_rules rules, rules_of(opened.of));
  ARGOSY_ASSIGN(auto now, replayed(std::move(opened.of), std::move(found), rules));
  return std::unique_ptr<live_store>(new live_store(store, rules_of, std::move(rules), std::move(opened.changes), std::move(now)));
}

status live_store::apply(std::vector<product_change> changes) {
  const std::scoped_lock alone(writing_);
  std::vector<std::vector<std::byte>> records;
  for (const auto& change : changes) records.push_back(encode(change));
  ARGOSY_ASSIGN(auto next, now().after(std::move(changes), rules_));
  ARGOSY_TRY(expect_own_journal(next.published().number()));
  ARGOSY_TRY(changes_.append_all(records));
  now_.store(std::make_shared<const live_generation>(std::move(next)));
  return expect_own_journal(now().published().number());  // it may have become another's while the disk was waited for
}

status live_store::expect_own_journal(std::uint64_t generation) const {
  ARGOSY_ASSIGN(const auto current, current_number(store_));
  if (current == generation || changes_.is_at(changes_path(store_, current))) return {};
  return {errc::unavailable, store_.string() + ": generation " + std::to_string(current) + ", of other products, became current meanwhile"};
}

result<bool> live_store::is_current() const {
  ARGOSY_ASSIGN(const auto current, current_number(store_));
  return current == now().published().number();
}

live_store::mark live_store::begin() const {
  const std::scoped_lock alone(writing_);
  return {now(), changes_.bytes(), 0, 0};
}

status live_store::go_on_from(const mark& from, generation_writer& made, std::optional<caught_up> caught) {
  const std::scoped_lock alone(writing_);
  ARGOSY_ASSIGN(const descriptor lock, lock_store(store_));
  const std::uint64_t of = from.moment.published().number();
  status end = expect_current(store_, of);
  if (end.ok() && now().published().number() != of)
    end = {errc::unavailable, store_.string() + ": generation " + std::to_string(of) + " is the current one again, not this writer's"};
  if (end.ok()) end = replace_by(from, made.number(), std::move(caught));
  const auto current = current_number(store_);
  const bool is_unread = current.ok() && *current != made.number();
  if (!end.ok() && is_unread) remove_unread_locked(store_, made.number());
  return end;
}

// Until CURRENT is replaced, the old generation and its journal are all there.
status live_store::replace_by(const mark& from, std::uint64_t number, std::optional<caught_up> caught) {
  if (!caught) {
    ARGOSY_ASSIGN(caught, catch_up(store_, rules_of_, number, from, from));
  }
  std::vector<product_change> since;
  std::vector<std::vector<std::byte>> records;
  const auto take = [&](std::uint64_t offset, std::span<const std::byte> bytes) -> status {
    if (offset >= changes_.bytes()) return {};  // refused, and could not be cut off
    records.emplace_back(bytes.begin(), bytes.end());
    return offset < caught->journal_bytes ? status{} : into(since)(offset, bytes);
  };
  ARGOSY_TRY(read_journal(changes_.path(), change_journal_kind, take, from.journal_bytes).failure());
  if (!since.empty()) {
    ARGOSY_ASSIGN(caught->moment, caught->moment.after(std::move(since), caught->rules));
  }
  std::vector<product_change> before;
  ARGOSY_ASSIGN(auto changes, journal::open(changes_path(store_, number), change_journal_kind, into(before)));
  if (!before.empty())
    return {errc::unavailable, changes_path(store_, number).string() + ": has changes already, of a generation that nobody has read"};
  ARGOSY_TRY(changes.append_all(records));
  status replaced = replace_current(store_, number);
  if (!replaced.ok() && !expect_current(store_, number).ok()) return replaced;
  changes_ = std::move(changes);
  rules_ = std::move(caught->rules);
  now_.store(std::make_shared<const live_generation>(std::move(caught->moment)));
  return {};
}

}  // namespace argosy

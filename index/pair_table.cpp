#include "index/pair_table.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "index/generation.hpp"
#include "index/pair_file_format.hpp"

namespace argosy {
namespace fs = std::filesystem;
namespace {

std::uint64_t xxh3_of(const generation& from, std::string_view name) {
  for (const auto& file : from.folder().files) {
    if (file.name == name) return file.xxh3;
  }
  return 0;
}

status unlike(const fs::path& path, const std::string& what) { return {errc::corrupt, path.string() + ": " + what}; }

// All lines at once, which one after the other would be waited for.
void fetch(std::span<const std::byte> bytes) noexcept {
  for (std::size_t at = 0; at < bytes.size(); at += 64) __builtin_prefetch(bytes.data() + at);
}

}  // namespace

std::string pair_file_name(pair_shard shard) {
  if (shard.of == 1) return "pairs.argosy";
  return "pairs-" + std::to_string(shard.number) + "-" + std::to_string(shard.of) + ".argosy";
}

bool is_pair_file(std::string_view name) noexcept {
  return name == "pairs.argosy" || (name.starts_with("pairs-") && name.ends_with(".argosy"));
}

pair_subject subject_of(const generation& of, std::uint64_t k) { return {of.products(), xxh3_of(of, products_file_name), k}; }

struct pair_file::impl {
  explicit impl(container_reader opened) : file(std::move(opened)) {}

  container_reader file;
  pair_shard shard;
  pair_subject subject;
  std::uint64_t entries = 0, collisions = 0, buckets = 0;
  std::span<const std::uint64_t> slots;
  std::span<const std::byte> answers;
  mutable std::atomic<bool> warm = false;  // all of both has been verified

  status read_facts();
  status map();
  std::uint64_t slot_count() const noexcept { return slots.size() / 2; }
  std::uint64_t home(std::uint32_t qid) const noexcept {
    return std::min(slot_count(), slots_of_bucket * home_bucket(qid, shard.of, buckets));
  }
  pair_slot slot(std::uint64_t at) const noexcept {
    return {slots[2 * at], static_cast<std::uint32_t>(slots[2 * at + 1]), static_cast<std::uint32_t>(slots[2 * at + 1] >> 32)};
  }
  status touch(std::string_view section, std::uint64_t first, std::uint64_t bytes) const {
    return warm.load(std::memory_order_acquire) ? status{} : file.touch(section, first, bytes);
  }
  result<std::uint32_t> place_of(pair_key) const;
  status read(std::uint32_t place_plus_1, std::size_t most, std::vector<hit>& to) const;
};

status pair_file::impl::read_facts() {
  ARGOSY_ASSIGN(const auto facts, file.section<std::uint64_t>("facts"));
  if (facts.size() != pair_facts) {
    return unlike(file.path(), "section facts: want " + std::to_string(pair_facts) + " numbers, found " + std::to_string(facts.size()));
  }
  entries = facts[0], collisions = facts[1], buckets = facts[2];
  subject = {facts[5], facts[7], facts[6]};
  if (facts[4] == 0 || facts[4] > most_pair_shards || facts[3] >= facts[4])
    return unlike(file.path(), "section facts: shard " + std::to_string(facts[3]) + " of " + std::to_string(facts[4]));
  constexpr std::uint64_t most = std::uint64_t{1} << 32;
  if (subject.products > most || buckets > most || subject.k > most)
    return unlike(file.path(), "section facts: want at most 2^32 products, buckets and hits, found more");
  shard = {static_cast<std::uint32_t>(facts[3]), static_cast<std::uint32_t>(facts[4])};
  return {};
}

// The bytes of slots and answers are verified by those who touch them.
status pair_file::impl::map() {
  ARGOSY_ASSIGN(slots, file.unverified<std::uint64_t>("slot"));
  ARGOSY_ASSIGN(answers, file.unverified<std::byte>("answer"));
  const bool whole = slots.size() % (2 * slots_of_bucket) == 0 && slot_count() / slots_of_bucket >= buckets && slot_count() >= entries;
  if (whole && answers.size() % answer_unit == 0) return {};
  return unlike(file.path(), "sections slot and answer: want whole buckets for " + std::to_string(entries) + " entries, found " +
                                 std::to_string(slots.size()) + " numbers and " + std::to_string(answers.size()) + " bytes");
}

// 0 when the key is not there. Slots are sorted, and the run that a key belongs to has no gap.
result<std::uint32_t> pair_file::impl::place_of(pair_key key) const {
  for (std::uint64_t at = home(key.qid); at < slot_count(); ++at) {
    if (at % slots_of_bucket == 0) ARGOSY_TRY(touch("slot", at * sizeof(pair_slot), slots_of_bucket * sizeof(pair_slot)));
    const pair_slot found = slot(at);
    if (found.empty() || found.key() > key) break;
    if (found.key() == key) return found.place_plus_1;
  }
  return 0u;
}

status pair_file::impl::read(std::uint32_t place_plus_1, std::size_t most, std::vector<hit>& to) const {
  const std::uint64_t first = (place_plus_1 - std::uint64_t{1}) * answer_unit;
  if (first >= answers.size()) return unlike(file.path(), "section slot: an answer lies behind the end of section answer");
  const std::uint64_t bytes = std::min<std::uint64_t>(answers.size() - first, longest_answer(subject.products, subject.k) + answer_unit);
  ARGOSY_TRY(touch("answer", first, bytes));
  fetch(answers.subspan(first, std::min(bytes, longest_answer(subject.products, std::min<std::uint64_t>(most, subject.k)))));
  if (decode_answer(answers.subspan(first, bytes), subject.products, most, to)) return {};
  to.clear();
  return unlike(file.path(), "section answer: no answer begins at byte " + std::to_string(first));
}

pair_file::pair_file(std::shared_ptr<const impl> made) : impl_(std::move(made)) {}

result<pair_file> pair_file::open(const fs::path& path) {
  ARGOSY_ASSIGN(auto file, container_reader::open(path, pair_file_kind));
  auto made = std::make_shared<impl>(std::move(file));
  ARGOSY_TRY(made->read_facts());
  ARGOSY_TRY(made->map());
  return pair_file(std::move(made));
}

pair_shard pair_file::shard() const noexcept { return impl_->shard; }
const pair_subject& pair_file::subject() const noexcept { return impl_->subject; }
std::uint64_t pair_file::size() const noexcept { return impl_->entries; }
std::uint64_t pair_file::collisions() const noexcept { return impl_->collisions; }

result<bool> pair_file::find(pair_key key, std::size_t most, std::vector<hit>& to) const {
  to.clear();
  ARGOSY_ASSIGN(const std::uint32_t place, impl_->place_of(key));
  if (place == 0) return false;
  ARGOSY_TRY(impl_->read(place, most, to));
  return true;
}

status pair_file::for_each(const std::function<status(pair_key, std::vector<hit>&)>& take) const {
  std::vector<hit> hits;
  ARGOSY_TRY(impl_->touch("slot", 0, impl_->slots.size_bytes()));
  for (std::uint64_t at = 0; at < impl_->slot_count(); ++at) {
    const pair_slot found = impl_->slot(at);
    if (found.empty()) continue;
    hits.clear();
    ARGOSY_TRY(impl_->read(found.place_plus_1, impl_->subject.k, hits));
    ARGOSY_TRY(take(found.key(), hits));
  }
  return {};
}

status pair_file::warm() const {
  ARGOSY_TRY(impl_->file.touch("slot", 0, impl_->slots.size_bytes()));
  ARGOSY_TRY(impl_->file.touch("answer", 0, impl_->answers.size_bytes()));
  impl_->warm.store(true, std::memory_order_release);
  return {};
}

status pair_file::verify() const { return impl_->file.verify(); }

result<pair_table> pair_table::open(const generation& of) {
  pair_table table;
  const pair_subject here = subject_of(of, 0);
  for (const auto& listed : of.folder().files) {
    if (!is_pair_file(listed.name)) continue;
    const fs::path path = of.path() / listed.name;
    ARGOSY_ASSIGN(auto shard, pair_file::open(path));
    const pair_subject& about = shard.subject();
    if (about.products != here.products || about.products_xxh3 != here.products_xxh3)
      return unlike(path, "it was made for other products than those of its generation");
    table.shards_.push_back(std::move(shard));
  }
  const auto number = [](const pair_file& file) { return file.shard().number; };
  std::sort(table.shards_.begin(), table.shards_.end(), [&](const pair_file& a, const pair_file& b) { return number(a) < number(b); });
  for (std::size_t i = 0; i < table.shards_.size(); ++i) {
    const pair_shard found = table.shards_[i].shard();
    if (found.number == i && found.of == table.shards_.size()) continue;
    return unlike(of.path(), "pair table: want shard " + std::to_string(i) + " of " + std::to_string(table.shards_.size()) + ", found " +
                                 pair_file_name(found));
  }
  return table;
}

std::uint64_t pair_table::size() const noexcept {
  std::uint64_t all = 0;
  for (const auto& shard : shards_) all += shard.size();
  return all;
}

std::uint64_t pair_table::collisions() const noexcept {
  std::uint64_t all = 0;
  for (const auto& shard : shards_) all += shard.collisions();
  return all;
}

std::uint64_t pair_table::k() const noexcept { return shards_.empty() ? 0 : shards_.front().subject().k; }

result<bool> pair_table::find(pair_key key, std::size_t most, std::vector<hit>& to) const {
  to.clear();
  if (shards_.empty()) return false;
  return shards_[shard_of(key.qid, static_cast<std::uint32_t>(shards_.size()))].find(key, most, to);
}

status pair_table::warm() const {
  for (const auto& shard : shards_) ARGOSY_TRY(shard.warm());
  return {};
}

}  // namespace argosy

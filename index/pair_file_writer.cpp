#include <utility>

#include "index/pair_file_format.hpp"
#include "index/pair_table.hpp"
#include "schema/container.hpp"

namespace argosy {

struct pair_file_writer::state {
  container_writer file;
  pair_shard shard;
  pair_subject subject;
  std::vector<pair_slot> entries = {};  // rising
  std::uint64_t bytes = 0, collisions = 0;
  status add(pair_key, std::span<const std::byte> answer);
  status write_slots();
};

pair_file_writer::pair_file_writer(std::unique_ptr<state> made) : state_(std::move(made)) {}
pair_file_writer::pair_file_writer(pair_file_writer&&) noexcept = default;
pair_file_writer::~pair_file_writer() = default;

result<pair_file_writer> pair_file_writer::create(const std::filesystem::path& path, pair_shard shard, const pair_subject& subject) {
  if (shard.of == 0 || shard.of > most_pair_shards || shard.number >= shard.of) {
    return status(errc::invalid_argument, path.string() + ": want a shard below " + std::to_string(shard.of) + " of at most " +
                                              std::to_string(most_pair_shards) + ", got " + std::to_string(shard.number));
  }
  ARGOSY_ASSIGN(auto file, container_writer::create(path, pair_file_kind));
  ARGOSY_TRY(file.begin("answer", element::u8));
  return pair_file_writer(std::unique_ptr<state>(new state{std::move(file), shard, subject}));
}

status pair_file_writer::state::add(pair_key key, std::span<const std::byte> answer) {
  const auto refuse = [&](const std::string& what) {
    return status{errc::invalid_argument, "pair table, entry " + std::to_string(entries.size()) + ": " + what};
  };
  if (shard_of(key.qid, shard.of) != shard.number) return refuse("its qid " + std::to_string(key.qid) + " is of another shard");
  if (!entries.empty() && key <= entries.back().key()) return refuse("want keys that rise");
  if (answer.empty() || answer.size() % answer_unit != 0 || answer.size() > longest_answer(subject.products, subject.k))
    return refuse("want the bytes of an answer of at most " + std::to_string(subject.k) + " hits, got " + std::to_string(answer.size()) +
                  " bytes");
  if (bytes / answer_unit >= pair_slot::most_places) return refuse("a shard holds at most 32 GiB of answers: make more shards");
  collisions += !entries.empty() && key.qid == entries.back().qid ? 1 : 0;
  entries.push_back(pair_slot::of(key, bytes / answer_unit));
  bytes += answer.size();
  return file.append(answer);
}

status pair_file_writer::state::write_slots() {
  const std::uint64_t buckets = buckets_for(entries.size());
  ARGOSY_TRY(file.begin("slot", element::u64));
  const auto put = [&](const pair_slot& slot) {
    const std::uint64_t words[] = {slot.check, std::uint64_t{slot.qid} | std::uint64_t{slot.place_plus_1} << 32};
    return file.append(std::span<const std::uint64_t>(words));
  };
  std::uint64_t next = 0;
  for (const pair_slot& entry : entries) {
    for (const auto home = slots_of_bucket * home_bucket(entry.qid, shard.of, buckets); next < home; ++next) ARGOSY_TRY(put({}));
    ARGOSY_TRY(put(entry));
    ++next;
  }
  for (; next < slots_of_bucket * buckets || next % slots_of_bucket != 0; ++next) ARGOSY_TRY(put({}));
  return {};
}

status pair_file_writer::add(pair_key key, std::span<const std::byte> answer) { return state_->add(key, answer); }

status pair_file_writer::finish() {
  constexpr std::byte behind[answer_unit] = {};
  ARGOSY_TRY(state_->file.append(std::span<const std::byte>(behind)));
  ARGOSY_TRY(state_->write_slots());
  const std::uint64_t facts[pair_facts] = {
      state_->entries.size(),   state_->collisions, buckets_for(state_->entries.size()), state_->shard.number, state_->shard.of,
      state_->subject.products, state_->subject.k,  state_->subject.products_xxh3};
  ARGOSY_TRY(state_->file.add("facts", std::span<const std::uint64_t>(facts)));
  return state_->file.finish();
}

}  // namespace argosy

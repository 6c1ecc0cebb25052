// A store whose current generation changes product by product. Changes are kept in a journal (schema/journal.hpp, product_change.hpp),
// STORE/changes/NNNNNN.journal, that belongs to generation NNNNNN and to those made of the same products, `argosy tune` and `pairs` among
// them. A generation that is published from a catalogue begins without changes: the catalogue has them. Compaction makes a generation of one
// and its changes; what changes meanwhile goes on to it.
// Killed at any moment: what apply() returned from is there, once; a change it had not returned from is there or not.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "index/generation.hpp"
#include "index/live_generation.hpp"
#include "schema/journal.hpp"

namespace argosy {

// How a generation's texts are split, by whom the index room does not know.
using rules_of_generation = std::function<result<text_rules>(const generation&)>;

// A moment, and where the changes end in the journal that are in it; 0: there was no journal.
struct live_mark {
  live_generation moment;
  std::uint64_t journal_bytes = 0;
  // Of a reader: the last record, where it begins and what tells it from one that took its place after a writer had failed. 0: none.
  std::uint64_t last_at = 0, last_xxh3 = 0;
};

// The current generation and its changes until now, to read; somebody may be writing more.
result<live_generation> open_live(const std::filesystem::path& store, const rules_of_generation&);
result<live_mark> open_mark(const std::filesystem::path& store, const rules_of_generation&);
// The same later: what was changed since `before` alone is read, unless another generation has become current.
result<live_mark> read_on(const std::filesystem::path& store, const rules_of_generation&, const live_mark& before);

// A generation that compaction made, with what changed from a mark of the one before until `journal_bytes` of that one's journal.
struct caught_up {
  live_generation moment;
  text_rules rules;
  std::uint64_t journal_bytes = 0;
};
// Of generation `made`, from one mark until a later one of the same journal. Most of what go_on_from() has to do, while changes go on.
result<caught_up> catch_up(const std::filesystem::path& store, const rules_of_generation&, std::uint64_t made, const live_mark& from,
                           const live_mark& until);

// What tells one state of a store from another: which generation is current, and how much of it has changed. Reads two names alone.
result<std::string> state_of_store(const std::filesystem::path& store);
// That of the store when it was at the mark.
std::string state_at(const live_mark&);

class live_store {
public:
  // The one writer of changes; unavailable while another process is it.
  static result<std::unique_ptr<live_store>> open(const std::filesystem::path& store, const rules_of_generation&);

  // The newest moment. Any thread.
  live_generation now() const { return *now_.load(); }
  // All of the changes or none, in one moment; on the disk when it returns. Any thread, one after the other. Where it does not return because
  // it was killed, and for other processes meanwhile, the first of them may be there without the others.
  // Errors   nothing has changed then: live_generation::check; io_error; unavailable when its generation is not the current one any more, whose
  //          journal may have them all the same.
  status apply(std::vector<product_change>);
  const std::filesystem::path& path() const noexcept { return store_; }

  // Whether its generation is the current one. Where it is not, another may be of the same products and share the journal: let go of this
  // writer and open another.
  result<bool> is_current() const;

  // What compaction begins with, and what readers are told.
  using mark = live_mark;
  mark begin() const;
  // `made` of begin()'s moment, sealed: what has changed since goes on to it, it becomes current, and now() is of it. Changes wait meanwhile,
  // the less the later it was caught up.
  // unavailable when another generation has become current meanwhile. After a failure the store is as it was, without `made`.
  status go_on_from(const mark&, generation_writer& made, std::optional<caught_up> = {});

private:
  live_store(std::filesystem::path store, rules_of_generation rules_of, text_rules rules, journal changes, live_generation now);
  status replace_by(const mark&, std::uint64_t number, std::optional<caught_up>);
  status expect_own_journal(std::uint64_t generation) const;

  const std::filesystem::path store_;
  const rules_of_generation rules_of_;
  mutable std::mutex writing_;  // for what follows
  text_rules rules_;
  journal changes_;
  std::atomic<std::shared_ptr<const live_generation>> now_;
};

}  // namespace argosy

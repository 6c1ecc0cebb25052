// Compaction: of a generation and its changes, a generation without changes. Searches go on meanwhile; so do changes by the same live_store,
// which go on to the new one. Making it takes long and needs no more than a moment of the store; to go on to it is the writer's, and short.
//   index      is built anew of the vectors as they are stored. Its tuned effort stays; its kind is that of the generation's own, or is chosen
//              anew where the publisher would have chosen that one too
//   terms      are made anew, and know the fields of what was put
//   weights    of photographs (image_weights.hpp) stay with their products; what was put has none
//   pairs      answers of known queries stay: rows are renumbered, a replaced product keeps its place, a removed one is left out. What was
//              added joins them with the next `argosy pairs`
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "base/status.hpp"
#include "index/index_choice.hpp"
#include "index/live_store.hpp"

namespace argosy {

struct compaction_options {
  int threads = 1;
  std::function<void(const hc_progress&)> show = {};
  std::stop_token stop = {};
};
struct compaction_report {
  std::uint64_t generation = 0, products = 0, put = 0, gone = 0;
};

// A generation that was made and sealed, and is not current yet. Goes with its object where nobody went on to it.
class compacted_generation {
public:
  ~compacted_generation();
  compacted_generation(const compacted_generation&) = delete;
  compacted_generation& operator=(const compacted_generation&) = delete;

  const compaction_report& report() const noexcept { return report_; }
  // Takes up what changed until a later mark of the same store, so that go_on() has less to do. Not beside go_on().
  status catch_up(const live_mark& until);
  // The store's now, and current, with what has changed since. Once. live_store::go_on_from
  status go_on(live_store&);

private:
  friend result<std::shared_ptr<compacted_generation>> make_compacted(const std::filesystem::path&, live_mark, const compaction_options&);
  compacted_generation(std::filesystem::path store, live_mark from, generation_writer made);
  const std::filesystem::path store_;
  const live_mark from_;
  generation_writer made_;
  const compaction_report report_;
  std::optional<caught_up> caught_up_;
  bool went_on_ = false;
};

// Of a moment of the store. aborted when stopped: nothing is left then, as after any failure. invalid_argument without a change.
result<std::shared_ptr<compacted_generation>> make_compacted(const std::filesystem::path& store, live_mark from, const compaction_options&);
// Both steps. unavailable, too, when another generation became current meanwhile: the store is as it was.
result<compaction_report> compact(live_store&, const compaction_options&);

}  // namespace argosy

// Compaction: of a generation and its changes, a generation without changes. Searches go on meanwhile; so do changes by the same live_store,
// which go on to the new one.
//   index      is built anew of the vectors as they are stored. Its tuned effort stays; its kind is that of the generation's own, or is chosen
//              anew where the publisher would have chosen that one too
//   terms      are made anew, and know the fields of what was put
//   weights    of photographs (image_weights.hpp) stay with their products; what was put has none
//   pairs      answers of known queries stay: rows are renumbered, a replaced product keeps its place, a removed one is left out. What was
//              added joins them with the next `argosy pairs`
#pragma once

#include <cstdint>
#include <functional>
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

// aborted when stopped, unavailable when another generation became current meanwhile: the store is as it was. invalid_argument without a
// change.
result<compaction_report> compact(live_store&, const compaction_options&);

}  // namespace argosy

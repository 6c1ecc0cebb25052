// Compaction: of a generation and its changes, a generation without changes. Searches and changes go on meanwhile, and what changes while it
// runs goes on to the new one.
//   index      is built anew of the vectors as they are stored, as the generation's own was: kind and tuned effort stay
//   terms      are made anew, and know the fields of what was put
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

// aborted when stopped, or when other products were published meanwhile: the store is as it was. invalid_argument without a change.
result<compaction_report> compact(live_store&, const compaction_options&);

}  // namespace argosy

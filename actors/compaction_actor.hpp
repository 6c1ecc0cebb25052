// Compaction actor: compacts the store that this process writes, by itself and when asked (compaction_watch.hpp). The builder makes the new
// generation, the change actor goes on to it between two groups of changes, the catalogue actor finds it current.
//   look    ()       compacts where it is due; again after `pause`
//   compact (call)   compacts unless one runs, or there is nothing to compact: the call is told at once, before it is done
// Refusals   to whoever asked.
// Ordering   one compaction at a time.
// Failure    is counted and told to the log, and the store is as it was: changes and searches go on.
// Blocking   never: it asks the others, which take as long as they take, and answer or end.
#pragma once

#include <caf/fwd.hpp>
#include <caf/timespan.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <chrono>
#include <cstdint>
#include <stop_token>

#include "actors/change_actor.hpp"
#include "actors/compaction_builder.hpp"
#include "actors/compaction_watch.hpp"
#include "actors/serving_metrics.hpp"
#include "base/clock.hpp"

namespace argosy {

using compaction_actor = caf::typed_actor<caf::reacts_to<look_atom>, caf::reacts_to<compact_atom, compaction_call_ptr>>;

struct compaction_parts {
  change_actor changes;
  compaction_builder builder;
  const clock_source* clock;
  serving_metrics* metrics;
  std::uint64_t after = 0;  // rows; 0: never by itself
  std::stop_token stop = {};
  caf::timespan pause = std::chrono::seconds(1);
  caf::timespan pause_after_failure = std::chrono::minutes(10);  // ours
};

struct compaction_state {
  static constexpr const char* name = "compaction";
  compaction_parts parts = {};
  compaction_watch watch = {0, {}};
};

compaction_actor::behavior_type compacts(compaction_actor::stateful_pointer<compaction_state>, compaction_parts);

}  // namespace argosy

// Compaction builder: makes generations of what has changed (search/compaction.hpp), beside everything else.
//   compact (mark) -> compacted              sealed and not current yet: to go on to it is the writer's
//   catchup (compacted, mark) -> compacted   it takes up what changed until this later mark
//   prune   ()                               lets go of generations that compaction made and that are not needed any more
// Refusals   the answer: what `make` says.
// Blocking   computes for seconds to hours: spawn it detached. What it was started with stops it.
// Failure    an exception is the answer too. What cannot be pruned is told to the log.
#pragma once

#include <caf/fwd.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <cstdint>
#include <functional>
#include <vector>

#include "actors/serving_messages.hpp"

namespace argosy {

using compaction_builder =
    caf::typed_actor<caf::replies_to<compact_atom, mark_ptr>::with<compacted_ptr>,
                     caf::replies_to<catchup_atom, compacted_ptr, mark_ptr>::with<compacted_ptr>, caf::reacts_to<prune_atom>>;

struct builder_parts {
  std::function<result<compacted_ptr>(const live_mark&)> make;
  std::function<result<std::vector<std::uint64_t>>()> prune;  // the generations that went
  bool yields = false;                                        // its thread, and those it makes, let those of searches and changes go first
};

compaction_builder::behavior_type build_compacted(compaction_builder::pointer, const builder_parts&);

}  // namespace argosy

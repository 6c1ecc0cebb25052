#include "actors/compaction_builder.hpp"

#include <utility>

#include "actors/error.hpp"
#include "actors/niceness.hpp"
#include "base/log.hpp"
#include "search/compaction.hpp"

namespace argosy {
namespace {

constexpr int niceness = 10;  // ours: nobody waits for it

caf::result<compacted_ptr> made_of(const builder_parts& parts, const live_mark& from) {
  auto made = guarded([&] { return parts.make(from); });
  if (!made.ok()) return error_of(made.failure());
  return std::move(*made);
}

caf::result<compacted_ptr> caught_up_to(const compacted_ptr& made, const live_mark& now) {
  const status end = guarded([&] { return made->catch_up(now); });
  if (!end.ok()) return error_of(end);
  return made;
}

void prune(const builder_parts& parts) {
  const auto gone = guarded([&] { return parts.prune(); });
  if (!gone.ok()) log::warning("generations of before are not removed: " + gone.failure().text());
}

}  // namespace

compaction_builder::behavior_type build_compacted(compaction_builder::pointer, const builder_parts& parts) {
  if (parts.yields) let_others_go_first(niceness);
  return {
      [parts](compact_atom, const mark_ptr& from) { return made_of(parts, *from); },
      [](catchup_atom, const compacted_ptr& made, const mark_ptr& now) { return caught_up_to(made, *now); },
      [parts](prune_atom) { prune(parts); },
  };
}

}  // namespace argosy

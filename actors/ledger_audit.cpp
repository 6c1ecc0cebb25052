#include "actors/ledger_audit.hpp"

#include <string>

namespace argosy {
namespace {

using what = job_entry::what;

status take_group(const job_entry& entry, ledger_audit& all) {
  const std::uint64_t from = entry.mark.steps_done, committed = all.past.committed;
  if (from > committed)
    return {errc::corrupt,
            "a group begins after " + std::to_string(from) + " steps, of which " + std::to_string(committed) + " are committed"};
  if (all.past.saved && from < all.past.saved->steps_done)
    return {errc::corrupt, "a group begins after " + std::to_string(from) + " steps, behind the checkpoint after " +
                               std::to_string(all.past.saved->steps_done) + " steps"};
  ++all.groups;
  all.taken_back += committed - from;
  all.ended = all.stopped = false;
  return {};
}

status take_step(const job_entry& entry, ledger_audit& all) {
  if (entry.mark.steps_done != all.past.committed + 1)
    return {errc::corrupt,
            "step " + std::to_string(entry.mark.steps_done - 1) + " follows " + std::to_string(all.past.committed) + " steps"};
  all.told_by_some += entry.pairs == 0;
  return {};
}

// A job may have been stopped between its last step and its last checkpoint.
void take_end(const job_entry& entry, std::uint64_t of, ledger_audit& all) {
  if (!entry.why.empty()) return;
  all.ended = all.past.committed == of && all.past.saved && all.past.saved->steps_done == of;
  all.stopped = !all.ended;
}

}  // namespace

result<ledger_audit> audit(const ledger_content& content) {
  ledger_audit all(content.facts.job);
  for (const job_entry& entry : content.entries) {
    if (entry.kind == what::group) ARGOSY_TRY(take_group(entry, all));
    if (entry.kind == what::step) ARGOSY_TRY(take_step(entry, all));
    if (entry.kind == what::end) take_end(entry, content.facts.of, all);
    all.checkpoints += entry.kind == what::checkpoint;
    ARGOSY_TRY(all.past.take(entry));
  }
  return all;
}

}  // namespace argosy

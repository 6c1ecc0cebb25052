#include "actors/compaction_actor.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <string>
#include <utility>

#include "actors/error.hpp"
#include "base/log.hpp"
#include "search/compaction.hpp"

namespace argosy {
namespace {

using pointer = compaction_actor::stateful_pointer<compaction_state>;
using what = compaction_answer::what;

void end(pointer self, const status& why) {
  const compaction_parts& parts = self->state.parts;
  self->state.watch.end(why.ok(), parts.clock->now());
  parts.metrics->count_compaction(why.ok());
  if (why.ok() || parts.stop.stop_requested()) return;
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(parts.pause_after_failure).count();
  log::warning("compaction failed and the store is as it was; it is not tried again by itself within " + std::to_string(minutes) +
               " minutes: " + why.text());
}

void go_on_to(pointer self, const compacted_ptr& made) {
  const auto done = [self, report = made->report()](std::uint64_t number) {
    log::info("generation " + std::to_string(number) + " was compacted: " + std::to_string(report.products) + " products, " +
              std::to_string(report.put) + " put and " + std::to_string(report.gone) + " gone since the one before");
    end(self, {});
    self->send(self->state.parts.builder, prune_atom_v);
  };
  self->request(self->state.parts.changes, caf::infinite, switch_atom_v, made).then(done, [self](const caf::error& why) {
    end(self, status_of(why));
  });
}

// What changed while it was made is more than the change actor should take up at once.
void catch_up(pointer self, const compacted_ptr& made) {
  const auto failed = [self](const caf::error& why) { end(self, status_of(why)); };
  const auto then = [self, made, failed](const mark_ptr& now) {
    self->request(self->state.parts.builder, caf::infinite, catchup_atom_v, made, now)
        .then([self](const compacted_ptr& ready) { go_on_to(self, ready); }, failed);
  };
  self->request(self->state.parts.changes, caf::infinite, mark_atom_v).then(then, failed);
}

void begin(pointer self, const mark_ptr& from) {
  const compaction_parts& parts = self->state.parts;
  self->state.watch.begin();
  parts.metrics->begin_compaction();
  self->request(parts.builder, caf::infinite, compact_atom_v, from)
      .then([self](const compacted_ptr& made) { catch_up(self, made); }, [self](const caf::error& why) { end(self, status_of(why)); });
}

void look_again(pointer self) { self->delayed_send(self, self->state.parts.pause, look_atom_v); }

// What cannot be written is told by the change actor.
void look(pointer self) {
  const auto& [parts, watch] = self->state;
  if (watch.runs()) return look_again(self);
  const auto decide = [self](const mark_ptr& now) {
    if (self->state.watch.due(changed_rows_of(now->moment), self->state.parts.clock->now())) begin(self, now);
    look_again(self);
  };
  self->request(parts.changes, caf::infinite, mark_atom_v).then(decide, [self](const caf::error&) { look_again(self); });
}

void compact_for(pointer self, const compaction_call_ptr& call) {
  const auto decide = [self, call](const mark_ptr& now) {
    const changed_rows rows = changed_rows_of(now->moment);
    const what became = self->state.watch.asked(rows);
    if (became == what::begun) begin(self, now);
    (*call)({became, rows, {}});
  };
  self->request(self->state.parts.changes, caf::infinite, mark_atom_v).then(decide, [call](const caf::error& why) {
    (*call)({what::failed, {}, status_of(why)});
  });
}

}  // namespace

compaction_actor::behavior_type compacts(pointer self, compaction_parts parts) {
  self->state.watch = compaction_watch(parts.after, parts.pause_after_failure);
  self->state.parts = std::move(parts);
  if (self->state.parts.after > 0) look_again(self);
  return {
      [self](look_atom) { look(self); },
      [self](compact_atom, const compaction_call_ptr& call) { compact_for(self, call); },
  };
}

}  // namespace argosy

#include "actors/change_actor.hpp"

#include <algorithm>
#include <caf/actor_addr.hpp>
#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <functional>
#include <utility>

#include "actors/error.hpp"
#include "actors/niceness.hpp"
#include "base/log.hpp"
#include "search/compaction.hpp"

namespace argosy {
namespace {

constexpr int niceness = 5;                                  // ours: what changes is waited for by fewer than what is asked
constexpr std::chrono::seconds patience_with_searches{120};  // longer than the catalogue's with a batch

using pointer = change_actor::stateful_pointer<change_state>;
using answers = std::vector<std::vector<change_answer>>;

std::vector<edit_line> edits_of(const change_request& request) {
  using what = change_request::what;
  switch (request.verb) {
    case what::put: return {{1, read_put(request.body, request.id)}};
    case what::patch: return {{1, read_patch(request.body, request.id)}};
    case what::remove: return {{1, product_edit{product_edit::what::remove, request.id}}};
    case what::lines: break;
  }
  return read_edit_lines(request.body);
}

answers all_refused(std::span<const change_request> requests, const status& why) {
  answers all;
  for (const change_request& one : requests) all.push_back({change_answer{1, one.id, why}});
  return all;
}

void tell(std::span<const change_request> requests, const answers& all) {
  for (std::size_t i = 0; i < requests.size(); ++i) requests[i].tell(all[i]);
}

bool any_made(const answers& all) {
  return std::any_of(all.begin(), all.end(), [](const auto& of_request) {
    return std::any_of(of_request.begin(), of_request.end(), [](const change_answer& one) { return one.outcome.ok(); });
  });
}

// `then` once the search actors have what was written, or where nobody knows when they will.
void let_be_searched(pointer self, const std::function<void()>& then) {
  auto mark = self->state.parts.writer->mark();
  if (!mark.ok()) return then();
  self->request(self->state.parts.catalogue, patience_with_searches, switch_atom_v,
                mark_ptr(std::make_shared<const live_mark>(std::move(*mark))))
      .then([then](std::uint64_t) { then(); },
            [then](const caf::error& why) {
              log::warning("changes are on the disk and not searched for yet: " + status_of(why).text());
              then();
            });
}

void drain(pointer self) {
  const change_parts& parts = self->state.parts;
  // By its address: a handle in the queue would keep the actor alive, whose state keeps the queue.
  const auto wake = [address = self->address()] {
    if (const auto me = caf::actor_cast<change_actor>(address)) caf::anon_send(me, drain_atom_v);
  };
  const auto taken = std::make_shared<std::vector<change_request>>(parts.requests->take(parts.batch, wake));
  if (taken->empty()) return;
  auto made = guarded([&]() -> result<answers> { return make_changes(*taken, *parts.writer); });
  const auto all = std::make_shared<answers>(made.ok() ? std::move(*made) : all_refused(*taken, made.failure()));
  const auto end = [self, taken, all] {
    tell(*taken, *all);
    self->send(self, drain_atom_v);
  };
  if (!any_made(*all)) return end();
  let_be_searched(self, end);
}

void look(pointer self) {
  const status kept_up = guarded([&] { return self->state.parts.writer->keep_up(); });
  if (!kept_up.ok() && self->state.refused != kept_up.text()) log::warning(kept_up.text());
  self->state.refused = kept_up.ok() ? std::string() : kept_up.text();
  self->delayed_send(self, self->state.parts.pause, look_atom_v);
}

caf::result<mark_ptr> mark_of(const product_writer& writer) {
  auto mark = writer.mark();
  if (!mark.ok()) return error_of(mark.failure());
  return mark_ptr(std::make_shared<const live_mark>(std::move(*mark)));
}

caf::result<std::uint64_t> go_on_to(pointer self, compacted_generation& made) {
  const status end = guarded([&] { return self->state.parts.writer->go_on_to(made); });
  if (!end.ok()) return error_of(end);
  auto promise = self->make_response_promise<std::uint64_t>();
  let_be_searched(self, [promise, number = made.report().generation]() mutable { promise.deliver(number); });
  return promise;
}

}  // namespace

answers make_changes(std::span<const change_request> requests, product_writer& writer) {
  answers all(requests.size());
  std::vector<product_edit> edits;
  std::vector<std::pair<std::size_t, std::size_t>> place;  // of each edit's answer
  for (std::size_t r = 0; r < requests.size(); ++r) {
    for (edit_line& line : edits_of(requests[r])) {
      if (!line.edit.ok()) {
        all[r].push_back({line.number, requests[r].id, line.edit.failure()});
        continue;
      }
      place.emplace_back(r, all[r].size());
      all[r].push_back({line.number, line.edit->id, edit_outcome::changed});  // which is put right below
      edits.push_back(std::move(*line.edit));
    }
  }
  const auto outcomes = writer.apply(edits);
  for (std::size_t e = 0; e < edits.size(); ++e) all[place[e].first][place[e].second].outcome = outcomes[e];
  return all;
}

change_actor::behavior_type changes(pointer self, change_parts parts) {
  if (parts.yields) let_others_go_first(niceness);
  self->state.parts = std::move(parts);
  self->send(self, drain_atom_v);
  self->delayed_send(self, self->state.parts.pause, look_atom_v);
  return {
      [self](drain_atom) { drain(self); },
      [self](look_atom) { look(self); },
      [self](mark_atom) { return mark_of(*self->state.parts.writer); },
      [self](switch_atom, const compacted_ptr& made) { return go_on_to(self, *made); },
  };
}

}  // namespace argosy

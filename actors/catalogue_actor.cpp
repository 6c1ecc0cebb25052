#include "actors/catalogue_actor.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <memory>
#include <utility>

#include "actors/error.hpp"
#include "base/log.hpp"

namespace argosy {
namespace {

constexpr int pauses_after_refusal = 20;
constexpr std::chrono::seconds patience_with_a_batch{60};

using pointer = catalogue_actor::stateful_pointer<catalogue_state>;

void refuse(catalogue_state& of, const std::string& state, const status& why) {
  if (of.refused == state) return;
  of.refused = state;
  log::warning("the store has changed and cannot be opened, answers go on as before: " + why.text());
}

// `part_of(i)` for the i-th search actor; `then` once all of them have it. The moment before is let go of here, after all of them: a search
// actor that had it last would free its segments while queries wait.
template <class PartOf>
void hand_over(pointer self, PartOf part_of, const std::function<void()>& then) {
  const auto left = std::make_shared<std::size_t>(self->state.parts.searches.size());
  const auto one_has_it = [left, then, before = self->state.parts.from] {
    if (--*left == 0) then();
  };
  for (std::size_t i = 0; i < self->state.parts.searches.size(); ++i)
    self->request(self->state.parts.searches[i], patience_with_a_batch, switch_atom_v, part_of(i))
        .then(one_has_it, [one_has_it](const caf::error&) { one_has_it(); });
}

void go_on_to(pointer self, const mark_ptr& to, const std::function<void()>& then) {
  auto& parts = self->state.parts;
  hand_over(
      self, [&](std::size_t) { return to; }, then);
  parts.from = to;
  parts.changed(to->moment);
}

status open_anew(pointer self, const mark_ptr& to, const std::function<void()>& then) {
  auto& parts = self->state.parts;
  std::vector<searcher_ptr> opened;
  for (std::size_t i = 0; i < parts.searches.size(); ++i) {
    ARGOSY_ASSIGN(auto one, parts.open(to->moment));
    opened.push_back(std::move(one));
  }
  hand_over(
      self, [&](std::size_t i) { return opened[i]; }, then);
  parts.from = to;
  parts.opened_anew(opened.front());
  return {};
}

status read_store(pointer self, const std::function<void()>& then) {
  const auto& parts = self->state.parts;
  ARGOSY_ASSIGN(live_mark read, parts.read_on(*parts.from));
  const auto to = std::make_shared<const live_mark>(std::move(read));
  if (to->moment.published().number() != parts.from->moment.published().number()) return open_anew(self, to, then);
  go_on_to(self, to, then);
  return {};
}

// `then` in any case: once the search actors have what is new, or at once.
void take_up(pointer self, const std::function<void()>& then) {
  catalogue_state& of = self->state;
  const auto now = guarded([&] { return of.parts.state(); });
  if (!now.ok()) {
    refuse(of, now.failure().text(), now.failure());
    return then();
  }
  if (*now == of.parts.opened) {
    of.refused.clear();
    return then();
  }
  const status read = guarded([&] { return read_store(self, then); });
  if (!read.ok()) {
    refuse(of, *now, read);
    return then();
  }
  of.parts.opened = *now;
  of.refused.clear();
}

// What cannot be opened is not tried again at once: trying takes a while.
void look(pointer self) {
  take_up(self, [] {});
  const auto pause = self->state.parts.pause;
  self->delayed_send(self, self->state.refused.empty() ? pause : pause * pauses_after_refusal, look_atom_v);
}

caf::result<std::uint64_t> switch_to(pointer self, const mark_ptr& to) {
  auto promise = self->make_response_promise<std::uint64_t>();
  const auto then = [self, promise]() mutable { promise.deliver(self->state.parts.from->moment.published().number()); };
  auto& parts = self->state.parts;
  if (to->moment.published().number() == parts.from->moment.published().number()) {
    go_on_to(self, to, then);
    parts.opened = state_at(*to);
  } else {
    take_up(self, then);
  }
  return promise;
}

}  // namespace

catalogue_actor::behavior_type catalogue(pointer self, catalogue_parts parts) {
  self->state.parts = std::move(parts);
  self->delayed_send(self, self->state.parts.pause, look_atom_v);
  return {
      [self](look_atom) { look(self); },
      [self](switch_atom, const mark_ptr& to) { return switch_to(self, to); },
  };
}

}  // namespace argosy

#include "actors/catalogue_actor.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <utility>

#include "actors/error.hpp"
#include "base/log.hpp"

namespace argosy {
namespace {

constexpr int pauses_after_refusal = 20;

using pointer = catalogue_actor::stateful_pointer<catalogue_state>;

result<std::vector<searcher_ptr>> open_all(const catalogue_parts& parts) {
  std::vector<searcher_ptr> opened;
  for (std::size_t i = 0; i < parts.searches.size(); ++i) {
    ARGOSY_ASSIGN(auto one, parts.open());
    opened.push_back(std::move(one));
  }
  return opened;
}

void refuse(catalogue_state& of, const std::string& state, const status& why) {
  if (of.refused == state) return;
  of.refused = state;
  log::warning("the store has changed and cannot be opened, answers go on as before: " + why.text());
}

void take_up(pointer self) {
  auto& parts = self->state.parts;
  const auto now = guarded([&] { return parts.state(); });
  if (!now.ok()) return refuse(self->state, now.failure().text(), now.failure());
  if (*now == parts.opened) return self->state.refused.clear();
  const auto opened = guarded([&] { return open_all(parts); });
  if (!opened.ok()) return refuse(self->state, *now, opened.failure());
  for (std::size_t i = 0; i < parts.searches.size(); ++i) self->send(parts.searches[i], switch_atom_v, opened.value()[i]);
  parts.opened = *now;
  self->state.refused.clear();
  parts.switched(opened.value().front());
}

// What cannot be opened is not tried again at once: trying takes a while.
void look(pointer self) {
  take_up(self);
  const auto pause = self->state.parts.pause;
  self->delayed_send(self, self->state.refused.empty() ? pause : pause * pauses_after_refusal, look_atom_v);
}

}  // namespace

catalogue_actor::behavior_type catalogue(pointer self, catalogue_parts parts) {
  self->state.parts = std::move(parts);
  self->delayed_send(self, self->state.parts.pause, look_atom_v);
  return {[self](look_atom) { look(self); }};
}

}  // namespace argosy

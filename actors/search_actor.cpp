#include "actors/search_actor.hpp"

#include <caf/actor_addr.hpp>
#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <utility>

#include "actors/error.hpp"

namespace argosy {
namespace {

using pointer = search_actor::stateful_pointer<search_state>;

void drain(pointer self) {
  const search_parts& parts = self->state.parts;
  // By its address: a handle in the queue would keep the actor alive, whose state keeps the queue.
  const auto wake = [address = self->address()] {
    if (const auto me = caf::actor_cast<search_actor>(address)) caf::anon_send(me, drain_atom_v);
  };
  auto taken = parts.questions->take(parts.batch, wake);
  if (taken.empty()) return;
  answer_questions(std::move(taken), parts.from, parts.clock->now());
  self->send(self, drain_atom_v);
}

result<std::optional<search_answer>> known(const product_search& products, const question& asked) {
  if (asked.live) return std::optional<search_answer>();
  return products.known(asked.query, asked.request);
}

// Tells what needs no search; the others are left.
std::vector<question> tell_known(std::vector<question> questions, const searcher_ptr& from, steady_time now) {
  const product_search products(*from);
  std::vector<question> left;
  for (question& one : questions) {
    if (now > one.deadline) {
      one.tell(status(errc::unavailable, "no answer was there in time"));
      continue;
    }
    auto found = guarded([&] { return known(products, one); });
    if (!found.ok()) {
      one.tell(found.failure());
    } else if (*found) {
      one.tell(answered_question{std::move(**found), from});
    } else {
      left.push_back(std::move(one));
    }
  }
  return left;
}

}  // namespace

void answer_questions(std::vector<question> questions, const searcher_ptr& from, steady_time now) {
  std::vector<question> left = tell_known(std::move(questions), from, now);
  std::vector<asked_query> asked;
  for (const question& one : left) asked.push_back({one.query, &one.request});
  const auto answers = guarded([&]() -> result<std::vector<result<search_answer>>> { return product_search(*from).answer_each(asked); });
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!answers.ok()) {
      left[i].tell(answers.failure());
    } else if (!answers.value()[i].ok()) {
      left[i].tell(answers.value()[i].failure());
    } else {
      left[i].tell(answered_question{answers.value()[i].value(), from});
    }
  }
}

search_actor::behavior_type search(pointer self, search_parts parts) {
  self->state.parts = std::move(parts);
  self->send(self, drain_atom_v);
  return {
      [self](switch_atom, const searcher_ptr& to) { self->state.parts.from = to; },
      [self](switch_atom, const mark_ptr& to) {
        searcher_ptr& from = self->state.parts.from;
        from = std::make_shared<searcher>(from->at(to->moment));
      },
      [self](drain_atom) { drain(self); },
  };
}

}  // namespace argosy

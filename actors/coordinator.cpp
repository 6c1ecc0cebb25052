#include "actors/coordinator.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/system_messages.hpp>
#include <numeric>

#include "actors/error.hpp"

namespace argosy {
namespace {

using pointer = coordinator_actor::stateful_pointer<coordinator_state>;

std::string rank_text(std::size_t rank) { return "rank " + std::to_string(rank); }

// Workers name their own failures; what CAF says about them is named here.
status named(const caf::error& why, const std::string& who, const std::string& asked) {
  const status failure = status_of(why);
  return failure.code() == errc::unavailable ? failure.within(who + ", " + asked) : failure;
}

bool all_answered(const coordinator_state& s) { return s.owed == 0 && std::reduce(s.unanswered.begin(), s.unanswered.end()) == 0; }

void give_orders(pointer self);

void end_if_over(pointer self) {
  auto& s = self->state;
  const bool over = s.book->complete() || (s.book->failed() && all_answered(s));
  if (!over || s.ended) return;
  s.ended = true;
  const auto end = s.book->end();
  end ? s.promise.deliver(*end) : s.promise.deliver(error_of(end.failure()));
}

void go_on(pointer self) {
  give_orders(self);
  end_if_over(self);
}

void fail(pointer self, const status& why) {
  self->state.book->fail(why);
  self->state.parts.group->abort(why);
  self->state.parts.stop_evaluating.request_stop();
}

// Asks one worker; `take` gets the answer. A worker that is down owes nothing more.
template <class Answer, class Take, class... Question>
void ask(pointer self, std::size_t rank, const std::string& asked, Take take, const Question&... question) {
  auto& s = self->state;
  ++s.unanswered[rank];
  const auto answered = [self, rank] { self->state.unanswered[rank] = std::max(0, self->state.unanswered[rank] - 1); };
  self->request(s.parts.workers[rank], s.parts.patience, question...)
      .then(
          [self, answered, take](const Answer& answer) {
            answered();
            if (const status taken = take(answer); !taken.ok()) fail(self, taken);
            go_on(self);
          },
          [self, answered, rank, asked](const caf::error& why) {
            answered();
            fail(self, named(why, rank_text(rank), asked));
            go_on(self);
          });
}

status take_report(pointer self, const step_done& done) {
  auto& s = self->state;
  if (s.book->failed()) return {};
  ARGOSY_ASSIGN(const auto progress, s.book->take(done));
  return progress ? s.parts.sink(*progress) : status{};
}

// Asks for what is done once a checkpoint: the next one waits until all of it is.
template <class Actor, class Patience, class Atom>
void request_of(pointer self, const Actor& whom, Patience patience, Atom what, const checkpoint_ptr& whole, const std::string& doing) {
  ++self->state.owed;
  self->request(whom, patience, what, whole)
      .then(
          [self](const checkpoint_receipt&) {
            if (--self->state.owed == 0) self->state.book->checkpoint_written();
            go_on(self);
          },
          [self, doing](const caf::error& why) {
            --self->state.owed;
            fail(self, status_of(why).within(doing));
            go_on(self);
          });
}

// A run that is being stopped ends without the figures of its last checkpoint.
void hand_over(pointer self, const checkpoint_ptr& whole) {
  auto& s = self->state;
  const auto after = " after " + std::to_string(whole->facts.steps_done) + " steps";
  request_of(self, s.parts.checkpoints, s.parts.patience, save_atom_v, whole, "checkpoint" + after);
  if (s.parts.evaluations && !s.book->stopped())
    request_of(self, s.parts.evaluations, caf::infinite, evaluate_atom_v, whole, "evaluation" + after);
}

status take_part(pointer self, const checkpoint_part& part) {
  auto& s = self->state;
  if (s.book->failed()) return {};
  ARGOSY_ASSIGN(const auto whole, s.book->take(part));
  if (whole) hand_over(self, whole);
  return {};
}

void give(pointer self, std::size_t rank, const step_plan& plan) {
  ask<step_done>(
      self, rank, "step " + std::to_string(plan.step), [self](const step_done& done) { return take_report(self, done); }, step_atom_v,
      plan);
}

void give(pointer self, std::size_t rank, const save_order& save) {
  ask<checkpoint_part>(
      self, rank, "checkpoint after " + std::to_string(save.steps_done) + " steps",
      [self](const checkpoint_part& part) { return take_part(self, part); }, save_atom_v, save.steps_done);
}

void give_orders(pointer self) {
  auto& s = self->state;
  const auto workers = s.parts.workers.size();
  if (s.joined < static_cast<int>(workers)) return;
  while (const auto next = s.book->next())
    for (std::size_t rank = 0; rank < workers; ++rank) std::visit([&](const auto& what) { give(self, rank, what); }, *next);
}

status count_in(pointer self) {
  ++self->state.joined;
  return {};
}

caf::result<training_end> run(pointer self) {
  auto& s = self->state;
  if (s.running) return error_of({errc::invalid_argument, "this run has been started before"});
  s.running = true;
  s.promise = self->make_response_promise<training_end>();
  for (std::size_t rank = 0; rank < s.parts.workers.size(); ++rank) {
    self->monitor(s.parts.workers[rank]);
    ask<worker_ready>(
        self, rank, "start", [self](const worker_ready&) { return count_in(self); }, join_atom_v);
  }
  return s.promise;
}

void lose(pointer self, const caf::down_msg& down) {
  auto& s = self->state;
  if (s.ended) return;
  const auto found = std::ranges::find(s.parts.workers, down.source, [](const worker_actor& w) { return w.address(); });
  if (found == s.parts.workers.end()) return;
  const auto rank = static_cast<std::size_t>(found - s.parts.workers.begin());
  s.unanswered[rank] = 0;
  status why = status_of(down.reason);
  if (why.ok()) why = {errc::unavailable, "it ended"};
  fail(self, why.within(rank_text(rank) + " is down"));
  go_on(self);
}

void stop(pointer self) {
  self->state.book->stop();
  self->state.parts.stop_evaluating.request_stop();
  if (self->state.running) go_on(self);
}

}  // namespace

coordinator_actor::behavior_type coordinator(pointer self, coordinator_parts parts) {
  auto& s = self->state;
  s.book = std::make_unique<run_book>(parts.settings, *parts.clock);
  s.unanswered.resize(parts.workers.size());
  s.parts = std::move(parts);
  self->set_down_handler([self](const caf::down_msg& down) { lose(self, down); });
  return {
      [self](run_atom) { return run(self); },
      [self](stop_atom) { stop(self); },
  };
}

}  // namespace argosy

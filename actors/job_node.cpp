#include "actors/job_node.hpp"

#include <set>

#include "actors/error.hpp"
#include "actors/job_greeting.hpp"

namespace argosy {
namespace {

using pointer = caf::stateful_actor<job_node_state>*;

constexpr std::chrono::seconds patience_with_coordinator{5};
constexpr std::chrono::milliseconds between_tries{200};
constexpr std::chrono::seconds silence_of_coordinator{5};    // it answers all news
constexpr std::chrono::seconds patience_with_worker{86400};  // what hangs is taken out by the coordinator

void go_on(pointer self);

// Of what the worker answers: a broken group is news, not an end.
auto broke(pointer self, group_id group) {
  return [self, group](const caf::error& why) {
    auto& member = *self->state.parts.member;
    const status failure = status_of(why);
    const bool is_whole = failure.code() == errc::aborted;
    member.broke(group, failure, is_whole ? member.state() : std::nullopt);
    go_on(self);
  };
}

void start(pointer self, const cut_task& task) { self->state.parts.cut->cut_before(task.before); }

void start(pointer self, const gather_task& task) {
  self->request(self->state.parts.worker, patience_with_worker, gather_atom_v, task.group, task.rank, task.size)
      .then(
          [self, task](const gathered& at) {
            self->state.parts.member->gathered(task.group, at.address, at.state, at.held, at.checkpoint);
            go_on(self);
          },
          broke(self, task.group));
}

void start(pointer self, const meet_task& task) {
  self->request(self->state.parts.worker, patience_with_worker, meet_atom_v, meet_order{task.order})
      .then(
          [self, group = task.order.group](const job_mark& state) {
            self->state.parts.member->met(group, state, self->state.parts.clock->now());
            go_on(self);
          },
          broke(self, task.order.group));
}

void start(pointer self, const step_task& task) {
  self->request(self->state.parts.worker, patience_with_worker, step_atom_v, self->state.parts.plan(task.step))
      .then(
          [self, group = task.group](const step_done& part) {
            auto& member = *self->state.parts.member;
            self->state.parts.of_worker->handled(part.step_s);
            member.done(group, part, after_step(*member.state(), group), self->state.parts.clock->now());
            go_on(self);
          },
          broke(self, task.group));
}

void write(pointer self, const save_task& task, const checkpoint_ptr& whole) {
  const job_mark mark{whole->facts.steps_done, whole->facts.lineage};
  self->request(self->state.parts.checkpoints, patience_with_worker, save_atom_v, whole)
      .then(
          [self, mark](const checkpoint_receipt&) {
            self->state.parts.member->saved(mark);
            go_on(self);
          },
          [self, task](const caf::error& why) {
            self->state.parts.member->not_saved(task.group, task.save, status_of(why));
            go_on(self);
          });
}

void start(pointer self, const save_task& task) {
  self->request(self->state.parts.worker, patience_with_worker, keep_atom_v, task.steps_done)
      .then(
          [self, task](const checkpoint_ptr& whole) {
            self->state.parts.member->captured(task.group, task.save);
            if (whole) write(self, task, whole);
            go_on(self);
          },
          broke(self, task.group));
}

std::uint64_t steps_of(const job_node_state& s) { return s.parts.member->state() ? s.parts.member->state()->steps_done : 0; }

void end(pointer self, status how) {
  auto& s = self->state;
  if (s.over) return;
  s.over = true;
  s.failure = std::move(how);
  if (!s.running) return;
  s.failure.ok() ? s.promise.deliver(steps_of(s)) : s.promise.deliver(error_of(s.failure));
}

void go_on(pointer self) {
  auto& s = self->state;
  for (const engine_task& task : s.parts.member->take_tasks()) std::visit([self](const auto& one) { start(self, one); }, task);
  while (auto news = s.parts.member->take_news(s.parts.clock->now())) {
    news->actors = s.parts.board->figures();
    if (s.parts.coordinator) self->send(s.parts.coordinator, news_atom_v, *news);
  }
  if (s.parts.member->ended()) end(self, s.parts.member->end());
}

// ---- the coordinator

void greet(pointer self, const caf::actor& coordinator) {
  auto& s = self->state;
  self->request(coordinator, patience_with_coordinator, s.parts.greeting)
      .then(
          [self, coordinator](const std::string& text) {
            auto& state = self->state;
            state.connecting = false;
            const auto facts = read_welcome(text);
            if (!facts.ok()) return end(self, facts.failure().within("the coordinator refused this node"));
            if (facts->job != state.parts.job)
              return end(self, {errc::invalid_argument, "the coordinator that is there now has another job"});
            state.parts.coordinator = coordinator;
            state.heard = state.parts.clock->now();
            self->monitor(coordinator);
            state.parts.remark("a coordinator is there again");
            state.parts.member->connected();
            go_on(self);
          },
          [self](const caf::error&) { self->state.connecting = false; });
}

void connect(pointer self) {
  auto& s = self->state;
  const steady_time now = s.parts.clock->now();
  if (s.connecting || now - s.tried < between_tries) return;
  s.connecting = true;
  s.tried = now;
  self->request(s.parts.middleman, patience_with_coordinator, caf::connect_atom_v, s.parts.host, s.parts.port)
      .then(
          [self](const caf::node_id&, const caf::strong_actor_ptr& at, const std::set<std::string>&) {
            if (!at) {
              self->state.connecting = false;
              return;
            }
            greet(self, caf::actor_cast<caf::actor>(at));
          },
          [self](const caf::error&) { self->state.connecting = false; });
}

void lose(pointer self, const caf::down_msg& down) {
  auto& s = self->state;
  if (down.source == s.parts.worker.address()) {
    const status why = status_of(down.reason);
    return end(self, why.ok() ? status(errc::unavailable, "the worker ended") : why.within("the worker"));
  }
  if (!s.parts.coordinator || down.source != s.parts.coordinator.address()) return;
  s.parts.coordinator = nullptr;
  if (!s.over) s.parts.remark("the coordinator is gone: holding " + std::to_string(steps_of(s)) + " steps, looking for one");
}

void look(pointer self) {
  auto& s = self->state;
  s.parts.member->exchanges(s.parts.cut->exchanging(), s.parts.clock->now());
  s.parts.member->look(s.parts.clock->now());
  const bool silent = s.parts.coordinator && s.parts.clock->now() - s.heard > silence_of_coordinator;
  if (silent) {
    self->demonitor(s.parts.coordinator);
    s.parts.coordinator = nullptr;
    if (!s.over) s.parts.remark("the coordinator is silent: looking for one");
  }
  if (!s.parts.coordinator && !s.over) connect(self);
  go_on(self);
  self->delayed_send(self, s.parts.pause, look_atom_v);
}

caf::result<std::uint64_t> run(pointer self) {
  auto& s = self->state;
  s.running = true;
  if (s.over && !s.failure.ok()) return error_of(s.failure);
  if (s.over) return steps_of(s);
  s.promise = self->make_response_promise<std::uint64_t>();
  return s.promise;
}

}  // namespace

caf::behavior job_node(pointer self, job_node_parts parts) {
  auto& s = self->state;
  s.parts = std::move(parts);
  s.heard = s.parts.clock->now();
  self->set_down_handler([self](const caf::down_msg& down) { lose(self, down); });
  self->monitor(s.parts.coordinator);
  self->monitor(s.parts.worker);
  self->send(self, look_atom_v);
  s.parts.own->starts();
  return {
      gauged(self, s.parts.own,
             [self](order_atom, const node_order& order) {
               self->state.heard = self->state.parts.clock->now();
               self->state.parts.member->take(order);
               go_on(self);
             }),
      gauged(self, s.parts.own, [self](look_atom) { look(self); }),
      [self](stop_atom) {
        self->state.parts.member->leave();
        go_on(self);
        end(self, {});
      },
      [self](run_atom) { return run(self); },
  };
}

}  // namespace argosy

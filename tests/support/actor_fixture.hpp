// Actors under the test's hand: one thread, no message moves and no time passes unless the test says so. For every test of an actor.
//   spawn(f, args...)     as caf::actor_system::spawn; never detached here. Ended with the fixture.
//   run()                 delivers messages until all mailboxes are empty
//   step()                delivers one message; false when there is none
//   advance(t)            moves both clocks, CAF's (time-outs, delayed messages) and `clock`, then runs
//   ask<T>(actor, x...)   sends, runs, and gives the answer; `unavailable` when there was none
// An actor that throws ends with an error as it would anywhere.
#pragma once

#include <caf/actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <chrono>
#include <utility>
#include <vector>

#include "actors/error.hpp"
#include "actors/messages.hpp"
#include "base/clock.hpp"

namespace argosy::test {

class deterministic_actors {
public:
  deterministic_actors()
      : system_(configured(config_)),
        scheduler_(dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())),
        self(system_, true) {}
  ~deterministic_actors() {
    for (const auto& each : spawned_) caf::anon_send_exit(each, caf::exit_reason::kill);
    spawned_.clear();
    run();
  }

  template <class F, class... Args>
  auto spawn(F f, Args&&... args) {
    auto made = system_.spawn(f, std::forward<Args>(args)...);
    spawned_.push_back(caf::actor_cast<caf::actor>(made));
    return made;
  }

  bool step() { return scheduler_.try_run_once(); }
  void run() {
    while (step()) continue;
  }
  void advance(std::chrono::nanoseconds by) {
    clock.advance(by);
    scheduler_.advance_time(by);
    run();
  }

  template <class Answer, class Handle, class... Question>
  result<Answer> ask(const Handle& whom, const Question&... question) {
    auto answer = self->request(whom, caf::infinite, question...);
    run();
    if (!self->has_next_message()) return status{errc::unavailable, "no answer"};
    result<Answer> got = status{errc::internal, "not received"};
    answer.receive([&](const Answer& value) { got = value; }, [&](const caf::error& why) { got = status_of(why); });
    return got;
  }

private:
  static actor_config& configured(actor_config& config) {
    config.set("scheduler.policy", caf::atom("testing"));
    return config;
  }

  actor_config config_;
  caf::actor_system system_;
  caf::scheduler::test_coordinator& scheduler_;
  std::vector<caf::actor> spawned_;

public:
  caf::scoped_actor self;
  manual_clock clock;
};

}  // namespace argosy::test

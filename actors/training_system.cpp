#include "actors/training_system.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <exception>
#include <memory>
#include <utility>

#include "actors/error.hpp"

namespace argosy {
namespace {

struct actor_stage {
  struct settings : actor_config {
    // Coordinator and banks; all that computes or waits has a thread of its own.
    settings() { set("scheduler.max-threads", std::size_t{2}); }
  } config;
  caf::actor_system actors{config};
};

// Everything that was spawned, ended when the crew goes.
struct crew {
  std::vector<caf::actor> members;
  ~crew() {
    for (const auto& member : members) caf::anon_send_exit(member, caf::exit_reason::user_shutdown);
  }
  template <class Handle>
  Handle add(Handle member) {
    members.push_back(caf::actor_cast<caf::actor>(member));
    return member;
  }
};

coordinator_actor start(caf::actor_system& actors, crew& all, const training_system& system, const clock_source& clock) {
  coordinator_parts parts;
  parts.settings = system.settings;
  parts.sink = system.sink;
  parts.clock = &clock;
  parts.patience = system.patience;
  auto group = make_in_process_group(system.settings.recipe.train.workers);
  parts.group = group[0]->aborter();
  for (auto& member : group) {
    const int rank = member->rank();
    const auto batches =
        all.add(actors.spawn<caf::detached>(loader, system.batches(rank), system.settings.of, system.batches_ahead, no_gauge));
    const worker_parts of_worker{
        .engine = system.engine(std::move(member)), .batches = batches, .clock = &clock, .patience = system.patience};
    parts.workers.push_back(all.add(actors.spawn<caf::detached>(worker, of_worker)));
  }
  parts.checkpoints = all.add(actors.spawn<caf::detached>(checkpointer, system.write, no_gauge));
  if (system.measure)
    parts.evaluations = all.add(actors.spawn<caf::detached>(evaluator, system.measure, parts.stop_evaluating.get_token()));
  return all.add(actors.spawn(coordinator, parts));
}

result<training_end> wait_for_end(caf::actor_system& actors, const coordinator_actor& run, const std::stop_token& stop) {
  const std::stop_callback on_stop(stop, [&run] { caf::anon_send(run, stop_atom_v); });
  result<training_end> end = status{errc::internal, "the coordinator gave no answer"};
  caf::scoped_actor self(actors);
  self->request(run, caf::infinite, run_atom_v)
      .receive([&](const training_end& ended) { end = ended; }, [&](const caf::error& why) { end = status_of(why); });
  return end;
}

}  // namespace

result<training_end> run_system(const training_system& system, const clock_source& clock, const std::stop_token& stop) {
  auto stage = std::make_unique<actor_stage>();
  crew all;
  try {
    const auto run = start(stage->actors, all, system, clock);
    return wait_for_end(stage->actors, run, stop);
  } catch (const std::exception& why) {  // no thread for an actor, or no memory
    static_cast<void>(stage.release());  // CAF counts an actor that got no thread among the running, and would wait for it for ever
    return status{errc::unavailable, std::string("the actors of training cannot be started: ") + why.what()};
  }
}

}  // namespace argosy

#include "actors/job_server.hpp"

#include <caf/actor_system.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <set>

#include "actors/error.hpp"
#include "actors/job_coordinator.hpp"
#include "actors/job_road.hpp"
#include "actors/metrics_line.hpp"
#include "actors/node_system.hpp"
#include "actors/run_folder.hpp"
#include "actors/step_log.hpp"
#include "net/tls_tunnel.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds patience_with_port{10};

struct published {
  std::uint16_t port = 0;
  std::unique_ptr<tls_tunnel> tunnel;
};

result<std::uint16_t> publish(caf::actor_system& system, const caf::actor& what, const std::string& host, std::uint16_t port) {
  result<std::uint16_t> bound = status(errc::internal, "not received");
  caf::scoped_actor self(system);
  self->request(system.middleman().actor_handle(), patience_with_port, caf::publish_atom_v, port,
                caf::actor_cast<caf::strong_actor_ptr>(what), std::set<std::string>{}, host, true)
      .receive([&](std::uint16_t at) { bound = at; },
               [&](const caf::error& why) {
                 bound =
                     status(errc::unavailable, host + ":" + std::to_string(port) +
                                                   ": cannot listen there: the port is taken, or the address is none of this machine (" +
                                                   status_of(why).message() + ")");
               });
  return bound;
}

result<published> listen(caf::actor_system& system, const caf::actor& what, const std::string& address, const node_credentials& with) {
  ARGOSY_ASSIGN(const host_and_port at, parse_address(address));
  ARGOSY_TRY(check_reach(at, with, "--listen"));
  ARGOSY_ASSIGN(const std::uint16_t port, port_number(at));
  published made;
  if (with.none()) {
    ARGOSY_ASSIGN(made.port, publish(system, what, at.host, port));
    return made;
  }
  ARGOSY_ASSIGN(const std::uint16_t plain, publish(system, what, "127.0.0.1", 0));
  ARGOSY_ASSIGN(made.tunnel, tls_tunnel::exit(at, plain, with));
  made.port = made.tunnel->port();
  return made;
}

training_job as_training(const coordinator_job& job) {
  return {.data = job.data, .recipe = job.recipe, .run = job.run, .initial = job.initial};
}

// The facts by which a job is known again.
checkpoint_facts facts_of_job(const coordinator_job& job) {
  checkpoint_facts facts = facts_of(as_training(job));
  facts.workers = facts.recipe.train.workers = 1;
  return facts;
}

status check_same_job(const job_facts& then, const checkpoint_facts& now) {
  checkpoint_facts before = now;
  before.data_fingerprint = then.data_fingerprint;
  before.of = then.of;
  ARGOSY_ASSIGN(before.recipe, parse_recipe(then.recipe, ledger_name, {}));
  // Nodes have the ledger's recipe, and what they hold is of its kind.
  if (before.recipe.train.shard_moments != now.recipe.train.shard_moments)
    return {errc::invalid_argument, std::string("train.shard_moments: the job began with ") +
                                        (before.recipe.train.shard_moments ? "true" : "false") + ", which cannot change"};
  return check_same_run(before, now);
}

result<std::uint64_t> fingerprint_of_initial(const coordinator_job& job) {
  ARGOSY_ASSIGN(const auto weights, initial_weights_of(as_training(job)));
  return weights ? fingerprint_of(*weights) : 0;
}

status check_same_initial(const job_facts& then, std::uint64_t now) {
  if (now == 0 || now == then.initial) return {};
  return {errc::invalid_argument, "--initial: the job began from " + std::string(then.initial == 0 ? "no" : "other") + " initial weights"};
}

// The lines of metrics.jsonl: steps that are done once more take the place of what was there.
class metrics_file {
public:
  static result<metrics_file> open(const fs::path& run, std::uint64_t end) {
    ARGOSY_ASSIGN(auto lines, step_log::open(run / "metrics.jsonl", end));
    return metrics_file(run, std::move(lines), end);
  }
  status write(const training_progress& progress) {
    if (progress.report.step < next_) {
      ARGOSY_ASSIGN(lines_, step_log::open(run_ / "metrics.jsonl", progress.report.step));
    }
    next_ = progress.report.step + 1;
    return lines_.write(metrics_line(progress));
  }

private:
  metrics_file(fs::path run, step_log lines, std::uint64_t next) : run_(std::move(run)), lines_(std::move(lines)), next_(next) {}
  fs::path run_;
  step_log lines_;
  std::uint64_t next_;
};

result<training_end> wait_for_end(caf::actor_system& system, const caf::actor& chief, const std::stop_token& stop) {
  const std::stop_callback on_stop(stop, [&] { caf::anon_send(chief, stop_atom_v); });
  result<training_end> end = status(errc::internal, "the coordinator gave no answer");
  caf::scoped_actor self(system);
  self->request(chief, caf::infinite, run_atom_v)
      .receive([&](const training_end& ended) { end = ended; }, [&](const caf::error& why) { end = status_of(why); });
  return end;
}

}  // namespace

result<training_end> run_job_coordinator(const coordinator_job& job, const std::function<void(const training_progress&)>& show,
                                         const std::stop_token& stop) {
  if (job.data->pairs() == 0) return status{errc::invalid_argument, "the prepared data holds no pairs: prepare it with a log"};
  const checkpoint_facts facts = facts_of_job(job);
  ARGOSY_ASSIGN(const std::uint64_t initial, fingerprint_of_initial(job));
  ARGOSY_ASSIGN(auto opened, job_ledger::open(job.run, {0, facts.of, facts.data_fingerprint, recipe_text(facts.recipe), initial}));
  const auto ledger = std::make_shared<job_ledger>(std::move(opened));
  const ledger_content& past = ledger->past();
  ARGOSY_TRY(check_same_job(past.facts, facts).within(job.run.string()));
  ARGOSY_TRY(check_same_initial(past.facts, initial).within(job.run.string()));
  job_past before(past.facts.job);
  for (const job_entry& entry : past.entries) ARGOSY_TRY(before.take(entry).within((job.run / ledger_name).string()));
  if (job.without_checkpoint && before.saved) {
    std::vector<job_entry> lost{
        {.kind = job_entry::what::lost, .group = 0, .mark = *before.saved, .members = {}, .pairs = 0, .why = "--without-checkpoint"}};
    ARGOSY_TRY(ledger->write(lost));
    before.saved.reset();
  }
  const bool done = before.saved && before.saved->steps_done == facts.of;
  if (done) return training_end{.steps_done = facts.of, .of = facts.of};
  ARGOSY_ASSIGN(auto lines, metrics_file::open(job.run, before.committed));
  const auto metrics = std::make_shared<metrics_file>(std::move(lines));

  const system_clock_source clock;
  job_coordinator_parts parts;
  parts.settings = {.of = facts.of,
                    .most_ranks = facts.recipe.train.batch,
                    .save_every = facts.recipe.checkpoint.every,
                    .wanted = job.nodes,
                    .least = job.least,
                    .shared_bank = facts.recipe.negatives.shared_bank,
                    .shard_moments = facts.recipe.train.shard_moments,
                    .times = job.times};
  parts.ledger = ledger;
  parts.book = std::make_shared<job_book>(parts.settings, std::move(before), past.term, clock.now());
  parts.sink = [&show, metrics](const training_progress& progress) {
    if (show) show(progress);
    return metrics->write(progress);
  };
  parts.remark = job.remark;
  parts.clock = &clock;
  return guarded([&]() -> result<training_end> {
    node_config config;
    caf::actor_system system(config);
    const auto chief = system.spawn(job_coordinator, parts);
    const auto at = listen(system, caf::actor_cast<caf::actor>(chief), job.listen, job.credentials);
    result<training_end> end = at.failure();
    if (at.ok()) {
      ARGOSY_ASSIGN(const host_and_port wanted, parse_address(job.listen));
      job.listening(wanted.host + ":" + std::to_string(at->port));
      end = wait_for_end(system, caf::actor_cast<caf::actor>(chief), stop);
    }
    caf::anon_send_exit(chief, caf::exit_reason::user_shutdown);
    return end;
  });
}

}  // namespace argosy

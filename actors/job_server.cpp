#include "actors/job_server.hpp"

#include <unistd.h>

#include <algorithm>
#include <caf/actor_system.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <random>
#include <set>
#include <thread>

#include "actors/error.hpp"
#include "actors/further_finder.hpp"
#include "actors/job_coordinator.hpp"
#include "actors/job_node.hpp"
#include "actors/metrics_line.hpp"
#include "actors/node_system.hpp"
#include "actors/run_folder.hpp"
#include "actors/step_log.hpp"
#include "actors/worker_places.hpp"
#include "base/log.hpp"
#include "kernels/devices.hpp"
#include "net/host_and_port.hpp"
#include "net/tls_tunnel.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds patience_with_port{10};
constexpr std::chrono::milliseconds between_tries{200};

status check_reach(const host_and_port& at, const node_credentials& with, const char* what) {
  if (is_loopback(at) || !with.none()) return {};
  return {errc::invalid_argument,
          std::string(what) + " " + at.host +
              ": an address that other machines reach needs a secret or certificates, which all nodes of the job have"};
}

// ---- coordinator

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
               [&](const caf::error& why) { bound = status(errc::unavailable, status_of(why).message()); });
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

training_job as_training(const coordinator_job& job) { return {.data = job.data, .recipe = job.recipe, .run = job.run}; }

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
  return check_same_run(before, now);
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

// ---- node

std::string own_name() {
  char host[256] = "host";
  ::gethostname(host, sizeof host - 1);
  return std::string(host) + ":" + std::to_string(::getpid());
}

// The road to a coordinator: its port, or that of a tunnel to it.
struct road {
  std::string host;
  std::uint16_t port = 0;
  std::unique_ptr<tls_tunnel> tunnel;
};

result<road> road_to(const std::string& address, const node_credentials& with) {
  ARGOSY_ASSIGN(const host_and_port far, parse_address(address));
  ARGOSY_TRY(check_reach(far, with, "--join"));
  if (with.none()) {
    ARGOSY_ASSIGN(const std::uint16_t port, port_number(far));
    return road{far.host, port, nullptr};
  }
  ARGOSY_ASSIGN(auto tunnel, tls_tunnel::entrance(far, with));
  const std::uint16_t port = tunnel->port();
  return road{"127.0.0.1", port, std::move(tunnel)};
}

result<caf::actor> connect(caf::actor_system& system, const road& to, std::chrono::milliseconds patience) {
  result<caf::actor> found = status(errc::unavailable, "no coordinator answers");
  caf::scoped_actor self(system);
  self->request(system.middleman().actor_handle(), patience, caf::connect_atom_v, to.host, to.port)
      .receive(
          [&](const caf::node_id&, const caf::strong_actor_ptr& at, const std::set<std::string>&) {
            if (at) found = caf::actor_cast<caf::actor>(at);
          },
          [&](const caf::error&) {});
  return found;
}

result<std::string> ask(caf::actor_system& system, const caf::actor& whom, const std::string& what, std::chrono::milliseconds patience) {
  result<std::string> answer = status(errc::unavailable, "the coordinator does not answer");
  caf::scoped_actor self(system);
  self->request(whom, patience, what)
      .receive([&](const std::string& text) { answer = text; }, [&](const caf::error& why) { answer = status_of(why); });
  return answer;
}

// A folder of other checkpoints would be tidied up by this job's.
status check_node(const node_job& job) {
  ARGOSY_ASSIGN(const host_and_port far, parse_address(job.coordinator));
  if (!is_loopback(far) && is_loopback({job.tensors, ""}))
    return {errc::invalid_argument, "--tensors " + job.tensors + ": want an address at which the other machines reach this one"};
  ARGOSY_ASSIGN(const auto all, list_checkpoints(job.run));
  if (all.empty()) return {};
  const auto facts = read_facts(all.rbegin()->second);
  if (facts.ok() && facts->lineage == 0)
    return {errc::invalid_argument, job.run.string() + ": holds checkpoints of `argosy train`: choose another folder for the job"};
  return {};
}

// Before it joins.
status check_device(const training_recipe& own, const std::string& of_job) {
  ARGOSY_TRY(check_node_device(own.device, of_job, is_gpu(own.device) ? open_nccl().failure() : status{}));
  return is_gpu(own.device) ? open_device(own.device, 1, own.arithmetic).failure() : status{};
}

struct found_coordinator {
  caf::actor at;
  job_facts facts;
};

// Tries until there is one, or somebody says stop.
result<found_coordinator> find_coordinator(caf::actor_system& system, const road& to, const node_job& job, const std::string& greeting,
                                           const std::stop_token& stop) {
  constexpr std::chrono::seconds patience{3};
  for (bool told = false; !stop.stop_requested(); told = true) {
    const auto at = connect(system, to, patience);
    const auto text = at.ok() ? ask(system, *at, greeting, patience) : result<std::string>(at.failure());
    if (text.ok()) {
      auto facts = read_welcome(*text);
      if (!facts.ok()) return facts.failure().within(job.coordinator);
      return found_coordinator{*at, std::move(*facts)};
    }
    if (!told) job.remark("no coordinator answers at " + job.coordinator + " yet: " + text.failure().message());
    std::this_thread::sleep_for(between_tries);
  }
  return status(errc::aborted, "asked to stop before a coordinator was there");
}

// The newest checkpoint here, if a job made it. It is verified when it is read.
std::optional<job_mark> newest_checkpoint(const fs::path& run) {
  const auto all = list_checkpoints(run);
  if (!all.ok() || all->empty()) return std::nullopt;
  const auto facts = read_facts(all->rbegin()->second);
  if (!facts.ok() || facts->lineage == 0) return std::nullopt;
  return job_mark{facts->steps_done, facts->lineage};
}

result<checkpoint_state> read_marked(const fs::path& run, const job_mark& mark) {
  ARGOSY_ASSIGN(const auto all, list_checkpoints(run));
  const auto found = all.find(mark.steps_done);
  if (found == all.end())
    return status(errc::aborted, run.string() + ": the checkpoint after " + std::to_string(mark.steps_done) + " steps is there no more");
  ARGOSY_ASSIGN(auto state, read_checkpoint(found->second));
  if (state.facts.lineage != mark.lineage)
    return status(errc::invalid_argument, found->second.string() + ": was trained by other groups than those of this job");
  return state;
}

}  // namespace

result<training_end> run_job_coordinator(const coordinator_job& job, const std::function<void(const training_progress&)>& show,
                                         const std::stop_token& stop) {
  if (job.data->pairs() == 0) return status{errc::invalid_argument, "the prepared data holds no pairs: prepare it with a log"};
  const checkpoint_facts facts = facts_of_job(job);
  ARGOSY_ASSIGN(auto opened, job_ledger::open(job.run, {0, facts.of, facts.data_fingerprint, recipe_text(facts.recipe)}));
  const auto ledger = std::make_shared<job_ledger>(std::move(opened));
  const ledger_content& past = ledger->past();
  ARGOSY_TRY(check_same_job(past.facts, facts).within(job.run.string()));
  job_past before(past.facts.job);
  for (const job_entry& entry : past.entries) ARGOSY_TRY(before.take(entry).within((job.run / ledger_name).string()));
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

status run_job_node(const node_job& job, const std::stop_token& stop) {
  ARGOSY_TRY(check_node(job));
  ARGOSY_ASSIGN(const road to, road_to(job.coordinator, job.credentials));
  return guarded([&]() -> status {
    node_config config;
    caf::actor_system system(config);
    const caller who{caller_wish::join, own_name(), job.data->fingerprint()};
    const std::string greeting = greeting_of(who);
    ARGOSY_ASSIGN(const found_coordinator found, find_coordinator(system, to, job, greeting, stop));
    ARGOSY_ASSIGN(const recipe sent, parse_recipe(found.facts.recipe, "the coordinator's recipe", {}));
    recipe chosen = sent;
    chosen.train.workers = 1;
    if (!job.device.empty()) chosen.train.device = job.device;
    if (job.threads > 0) chosen.train.threads = job.threads;
    ARGOSY_TRY(check_device(chosen.train, sent.train.device));
    const int threads =
        chosen.train.threads > 0 ? chosen.train.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));

    const system_clock_source clock;
    checkpoint_facts facts = facts_of({.data = job.data, .recipe = chosen, .run = job.run});
    const pair_order pairs(job.data->pairs(), chosen.train.seed);
    const further_finder further(chosen, *job.data);
    const auto cut = std::make_shared<group_switch>();
    const auto board = std::make_shared<actor_board>(clock);
    actor_gauge &of_node = board->add("node"), &of_engine = board->add("worker"), &of_loader = board->add("loader"),
                &of_writer = board->add("checkpointer");
    node_worker_parts of_worker;
    of_worker.own = &of_engine;
    const auto make_device = [&chosen, threads] { return open_device(chosen.train.device, threads, chosen.train.arithmetic); };
    of_worker.engine = make_replica_engine({.facts = facts, .make_device = make_device, .resume = nullptr, .gpu_each = true},
                                           std::move(make_in_process_group(1).front()), clock);
    of_worker.batches = [&](int rank, int size) {
      const batch_share share{.global_batch = chosen.train.batch, .rank = rank, .workers = size};
      of_loader.starts("another group");
      return [&, share](std::uint64_t step) {
        const actor_gauge::handling here(of_loader, 0);
        return make_batch(*job.data, pairs, step, share, further.queries());
      };
    };
    of_worker.of = found.facts.of;
    of_worker.read_checkpoint = [&job](const job_mark& mark) { return read_marked(job.run, mark); };
    of_worker.newest_checkpoint = [&job] { return newest_checkpoint(job.run); };
    of_worker.place.host = job.tensors;
    of_worker.place.credentials = job.credentials;
    of_worker.cut = cut;
    of_worker.clock = &clock;

    const auto write = [&](const checkpoint_state& state) -> status {
      ARGOSY_TRY(write_checkpoint(job.run, state));
      ARGOSY_ASSIGN(const auto written, list_checkpoints(job.run));
      ARGOSY_TRY(set_aside_newer(job.run, written.at(state.facts.steps_done)));  // of steps that were taken back
      return prune_checkpoints(job.run, chosen.checkpoint.keep);
    };
    const auto writer = [&](const checkpoint_state& state) -> status {
      const actor_gauge::handling here(of_writer, 0);
      status written = write(state);
      if (!written.ok()) of_writer.failed(written.text());
      return written;
    };
    of_writer.starts();
    std::random_device device;
    const node_id id = (std::uint64_t{device()} << 32 | device()) | 1;
    job_node_parts parts;
    parts.member = std::make_shared<job_member>(id, who.name, newest_checkpoint(job.run));
    parts.worker = system.spawn<caf::detached>(node_worker, of_worker);
    parts.checkpoints = system.spawn<caf::detached>(checkpointer, writer);
    parts.cut = cut;
    parts.board = board;
    parts.own = &of_node;
    parts.of_worker = &of_engine;
    parts.plan = [&](std::uint64_t step) { return plan_step(chosen, step, found.facts.of); };
    parts.coordinator = found.at;
    parts.middleman = system.middleman().actor_handle();
    parts.host = to.host;
    parts.port = to.port;
    parts.greeting = greeting;
    parts.job = found.facts.job;
    parts.remark = job.remark;
    parts.clock = &clock;
    job.remark("joined " + job.coordinator);
    const auto node = system.spawn(job_node, parts);
    status end(errc::internal, "the node gave no answer");
    {
      const std::stop_callback on_stop(stop, [&] { caf::anon_send(node, stop_atom_v); });
      caf::scoped_actor self(system);
      self->request(node, caf::infinite, run_atom_v)
          .receive([&](std::uint64_t) { end = status{}; }, [&](const caf::error& why) { end = status_of(why); });
    }
    cut->cut_before(~group_id{0});
    caf::anon_send_exit(node, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(parts.worker, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(parts.checkpoints, caf::exit_reason::user_shutdown);
    parts = {};
    system.await_all_actors_done();  // they use what goes with this function
    if (stop.stop_requested() && end.ok()) return {errc::aborted, "left the job"};
    return end;
  });
}

result<std::string> ask_standing(const std::string& coordinator, const node_credentials& with, std::chrono::milliseconds patience) {
  ARGOSY_ASSIGN(const road to, road_to(coordinator, with));
  return guarded([&]() -> result<std::string> {
    node_config config;
    caf::actor_system system(config);
    const auto at = connect(system, to, patience);
    if (!at.ok()) return at.failure().within(coordinator);
    auto text = ask(system, *at, greeting_of({caller_wish::status, own_name(), 0}), patience);
    if (!text.ok()) return text.failure().within(coordinator);
    if (text->find("\"refused\"") != std::string::npos) return read_welcome(*text).failure().within(coordinator);
    return text;
  });
}

}  // namespace argosy

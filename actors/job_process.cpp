#include "actors/job_process.hpp"

#include <caf/actor_system.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <random>
#include <thread>

#include "actors/error.hpp"
#include "actors/further_finder.hpp"
#include "actors/job_greeting.hpp"
#include "actors/job_node.hpp"
#include "actors/job_road.hpp"
#include "actors/node_system.hpp"
#include "actors/run_folder.hpp"
#include "actors/worker_places.hpp"
#include "base/log.hpp"
#include "kernels/devices.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds between_tries{200};

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
  return is_gpu(own.device) ? open_device(own.device, 1, own.arithmetic, own.attention).failure() : status{};
}

struct found_coordinator {
  caf::actor at;
  job_facts facts;
};

// Tries until there is one, or somebody says stop.
result<found_coordinator> find_coordinator(caf::actor_system& system, const job_road& to, const node_job& job, const std::string& greeting,
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
    if (!told) job.remark(job.coordinator + ": " + text.failure().message() + "; trying on");
    std::this_thread::sleep_for(between_tries);
  }
  return status(errc::aborted, "asked to stop before a coordinator was there");
}

// The newest checkpoint here that a job made. It is verified when it is read.
std::optional<job_mark> newest_checkpoint(const fs::path& run) {
  const auto all = list_checkpoints(run);
  if (!all.ok()) return std::nullopt;
  for (auto at = all->rbegin(); at != all->rend(); ++at)
    if (const auto facts = read_facts(at->second); facts.ok() && facts->lineage != 0) return job_mark{facts->steps_done, facts->lineage};
  return std::nullopt;
}

result<checkpoint_state> read_marked(const fs::path& run, const job_mark& mark) {
  ARGOSY_ASSIGN(const auto all, list_checkpoints(run));
  const auto found = all.find(mark.steps_done);
  if (found == all.end())
    return status(errc::aborted, run.string() + ": the checkpoint after " + std::to_string(mark.steps_done) + " steps is there no more");
  auto state = read_checkpoint(found->second);
  if (state.failure().code() == errc::corrupt) {  // then the next group begins with an older one
    if (const status renamed = set_aside(found->second); !renamed.ok()) log::warning(renamed.text());
  }
  ARGOSY_TRY(state.failure());
  if (state->facts.lineage != mark.lineage)
    return status(errc::invalid_argument, found->second.string() + ": was trained by other groups than those of this job");
  return state;
}

// The coordinator's, but for what each node has of its own, whose device has to fit the job's.
result<recipe> recipe_of(const job_facts& facts, const node_job& job) {
  ARGOSY_ASSIGN(recipe chosen, parse_recipe(facts.recipe, "the coordinator's recipe", {}));
  const std::string device = chosen.train.device;
  chosen.train.workers = 1;
  if (!job.device.empty()) chosen.train.device = job.device;
  if (job.threads > 0) chosen.train.threads = job.threads;
  ARGOSY_TRY(check_device(chosen.train, device));
  return chosen;
}

// Null when the job starts from none.
result<std::shared_ptr<const initial_weights>> weights_of(const job_facts& facts, const recipe& chosen, const node_job& job) {
  ARGOSY_ASSIGN(auto weights, initial_weights_of({.data = job.data, .recipe = chosen, .run = job.run, .initial = job.initial}));
  if ((weights ? fingerprint_of(*weights) : 0) == facts.initial) return weights;
  if (facts.initial == 0) return status(errc::invalid_argument, "--initial: the job starts from no initial weights");
  return status(errc::invalid_argument,
                std::string("--initial: want the weights that the coordinator's --initial names, got ") + (weights ? "others" : "none"));
}

int threads_of(const recipe& chosen) {
  return chosen.train.threads > 0 ? chosen.train.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

node_id any_node_id() {
  std::random_device device;
  return (std::uint64_t{device()} << 32 | device()) | 1;
}

// What the actors of the process use, from before they begin until all have ended.
class node_process {
public:
  node_process(const node_job& job, const job_facts& facts, recipe chosen, std::shared_ptr<const initial_weights> initial, std::string name)
      : job_(&job),
        facts_(facts),
        recipe_(std::move(chosen)),
        initial_(std::move(initial)),
        name_(std::move(name)),
        pairs_(job.data->pairs(), recipe_.train.seed),
        further_(recipe_, *job.data) {}
  node_process(const node_process&) = delete;
  node_process& operator=(const node_process&) = delete;

  // Until the job ends, or somebody says stop.
  status run(caf::actor_system& system, const job_road& to, const caf::actor& coordinator, const std::string& greeting,
             const std::stop_token& stop) {
    job_node_parts parts = parts_of_node(system);
    parts.coordinator = coordinator;
    parts.host = to.host;
    parts.port = to.port;
    parts.greeting = greeting;
    const auto node = system.spawn(job_node, parts);
    status end(errc::internal, "the node gave no answer");
    {
      const std::stop_callback on_stop(stop, [&] { caf::anon_send(node, stop_atom_v); });
      caf::scoped_actor self(system);
      self->request(node, caf::infinite, run_atom_v)
          .receive([&](std::uint64_t) { end = status{}; }, [&](const caf::error& why) { end = status_of(why); });
    }
    cut_->cut_before(~group_id{0});
    caf::anon_send_exit(node, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(parts.worker, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(parts.checkpoints, caf::exit_reason::user_shutdown);
    parts = {};
    system.await_all_actors_done();
    return end;
  }

private:
  job_node_parts parts_of_node(caf::actor_system& system) {
    job_node_parts parts;
    parts.member = std::make_shared<job_member>(any_node_id(), name_, newest_checkpoint(job_->run));
    parts.worker = system.spawn<caf::detached>(node_worker, parts_of_worker());
    writer_.starts();
    parts.checkpoints = system.spawn<caf::detached>(
        checkpointer, [this](const checkpoint_state& state) { return write(state); }, &writer_);
    parts.cut = cut_;
    parts.board = board_;
    parts.own = &node_;
    parts.of_worker = &worker_;
    parts.plan = [this](std::uint64_t step) { return plan_step(recipe_, step, facts_.of); };
    parts.middleman = system.middleman().actor_handle();
    parts.job = facts_.job;
    parts.remark = job_->remark;
    parts.clock = &clock_;
    return parts;
  }

  node_worker_parts parts_of_worker() {
    node_worker_parts parts;
    const auto make_device = [this] {
      return open_device(recipe_.train.device, threads_of(recipe_), recipe_.train.arithmetic, recipe_.train.attention);
    };
    const checkpoint_facts facts = facts_of({.data = job_->data, .recipe = recipe_, .run = job_->run});
    parts.engine = make_replica_engine(
        {.facts = facts, .make_device = make_device, .resume = nullptr, .initial = initial_, .of_node = true, .gpu_each = true},
        std::move(make_in_process_group(1).front()), clock_);
    parts.batches = [this](int rank, int size) { return batches(rank, size); };
    parts.of = facts_.of;
    parts.read_checkpoint = [this](const job_mark& mark) { return read_marked(job_->run, mark); };
    parts.newest_checkpoint = [this] { return newest_checkpoint(job_->run); };
    parts.place.host = job_->tensors;
    parts.place.credentials = job_->credentials;
    parts.cut = cut_;
    parts.own = &worker_;
    parts.of_loader = &loader_;
    parts.of_bank = &bank_;
    parts.clock = &clock_;
    return parts;
  }

  batch_queue::maker batches(int rank, int size) {
    const batch_share share{.global_batch = recipe_.train.batch, .rank = rank, .workers = size};
    return [this, share](std::uint64_t step) { return make_batch(*job_->data, pairs_, step, share, further_.queries()); };
  }

  status write(const checkpoint_state& state) const {
    ARGOSY_TRY(write_checkpoint(job_->run, state));
    ARGOSY_ASSIGN(const auto written, list_checkpoints(job_->run));
    ARGOSY_TRY(set_aside_newer(job_->run, written.at(state.facts.steps_done)));  // of steps that were taken back
    return prune_checkpoints(job_->run, recipe_.checkpoint.keep);
  }

  const node_job* job_;
  job_facts facts_;
  recipe recipe_;
  std::shared_ptr<const initial_weights> initial_;
  std::string name_;
  system_clock_source clock_;
  pair_order pairs_;
  further_finder further_;
  std::shared_ptr<group_switch> cut_ = std::make_shared<group_switch>();
  std::shared_ptr<actor_board> board_ = std::make_shared<actor_board>(clock_);
  actor_gauge &node_ = board_->add("node"), &worker_ = board_->add("worker"), &loader_ = board_->add("loader"),
              &bank_ = board_->add("bank"), &writer_ = board_->add("checkpointer");
};

}  // namespace

status run_job_node(const node_job& job, const std::stop_token& stop) {
  ARGOSY_TRY(check_node(job));
  ARGOSY_ASSIGN(const job_road to, road_to(job.coordinator, job.credentials));
  return guarded([&]() -> status {
    node_config config;
    caf::actor_system system(config);
    const std::string name = own_name(), greeting = greeting_of({caller_wish::join, name, job.data->fingerprint()});
    ARGOSY_ASSIGN(const found_coordinator found, find_coordinator(system, to, job, greeting, stop));
    ARGOSY_ASSIGN(recipe chosen, recipe_of(found.facts, job));
    ARGOSY_ASSIGN(auto initial, weights_of(found.facts, chosen, job));
    node_process process(job, found.facts, std::move(chosen), std::move(initial), name);
    job.remark("joined " + job.coordinator);
    status end = process.run(system, to, found.at, greeting, stop);
    if (stop.stop_requested() && end.ok()) return {errc::aborted, "left the job"};
    return end;
  });
}

}  // namespace argosy

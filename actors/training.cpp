#include "actors/training.hpp"

#include <algorithm>
#include <thread>

#include "actors/further_finder.hpp"
#include "actors/metrics_line.hpp"
#include "actors/run_folder.hpp"
#include "actors/step_log.hpp"
#include "actors/training_system.hpp"
#include "actors/validation.hpp"
#include "actors/worker_places.hpp"
#include "base/log.hpp"
#include "kernels/devices.hpp"
#include "kernels/slow_arithmetic.hpp"

namespace argosy {
namespace {

int all_threads(const recipe& r) {
  return r.train.threads > 0 ? r.train.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int threads_each(const recipe& r) { return std::max(1, all_threads(r) / r.train.workers); }

status check_job(const training_job& job) {
  const auto& train = job.recipe.train;
  if (job.data->pairs() == 0) return {errc::invalid_argument, "the prepared data holds no pairs: prepare it with a log"};
  if (train.workers < 1 || static_cast<std::uint64_t>(train.workers) > train.batch)
    return {errc::out_of_range,
            "train.workers: want 1 .. train.batch = " + std::to_string(train.batch) + ", got " + std::to_string(train.workers)};
  if (is_gpu(train.device)) ARGOSY_TRY(open_device(train.device, 1, train.arithmetic, train.attention).failure());
  return {};
}

// Says where GPUs are used.
result<worker_places> placed(const training_recipe& train) {
  const bool may_be_several = is_gpu(train.device) && train.workers > 1;
  auto made = place_workers(train.device, train.workers, may_be_several ? list_devices().found.size() - 1 : 0);
  std::string text = text_of(made);
  if (made.gpu_each) {
    const auto nccl = open_nccl();
    if (!nccl.ok()) return nccl.failure().within(text + " exchange by NCCL (on \"cuda:0\" they would share one GPU)");
    text += ", with NCCL " + nccl_version_text((*nccl)->version()) + " between them";
  }
  if (is_gpu(train.device)) log::info(text);
  return made;
}

// Figures that should be there and are not, as whoever made the checkpoint was stopped or killed before: of all checkpoints still on disk.
status make_up_for(const training_job& job, const checkpoint_facts& facts, validation& figures, const std::stop_token& stop) {
  ARGOSY_ASSIGN(auto checkpoints, list_checkpoints(job.run));
  for (const auto& [steps, path] : checkpoints) {
    if (stop.stop_requested()) return {};
    if (!is_regular_checkpoint(facts.recipe, steps, facts.of) || figures.has_measured(steps)) continue;
    const auto state = read_checkpoint(path);
    if (!state.ok()) {
      log::warning("not measured: " + state.failure().text());
      continue;
    }
    status measured = figures.measure(*state, stop);
    if (!measured.ok() && !stop.stop_requested()) return measured;
  }
  return {};
}

// Null when the job has no judged queries.
result<std::shared_ptr<validation>> validation_of(const training_job& job, const checkpoint_facts& facts) {
  if (!job.judged) return std::shared_ptr<validation>();
  ARGOSY_ASSIGN(auto opened, validation::open({job.data, job.judged, job.run, all_threads(job.recipe), job.evaluated}, facts));
  return std::make_shared<validation>(std::move(opened));
}

training_end nothing_left(const checkpoint_facts& facts) { return {.steps_done = facts.steps_done, .of = facts.of}; }

}  // namespace

result<training_end> run_training(const training_job& job, const std::function<void(const training_progress&)>& show,
                                  const std::stop_token& stop) {
  ARGOSY_TRY(check_job(job));
  ARGOSY_ASSIGN(const auto from, starting_point(job));
  checkpoint_facts facts = facts_of(job);
  if (from) facts.steps_done = from->facts.steps_done;
  std::shared_ptr<const initial_weights> initial;
  if (!from) {
    ARGOSY_ASSIGN(initial, initial_weights_of(job));
  }
  ARGOSY_ASSIGN(const auto figures, validation_of(job, facts));
  if (figures) ARGOSY_TRY(make_up_for(job, facts, *figures, stop));
  // Without the figures of its last step a run is not at its end.
  const auto ended = [&](training_end end) {
    if (figures && end.steps_done == end.of) end.interrupted = !figures->has_measured(end.of);
    return end;
  };
  if (facts.steps_done == facts.of) {
    ARGOSY_TRY(prune_checkpoints(job.run, job.recipe.checkpoint.keep));  // it may have been killed right before
    return ended(nothing_left(facts));
  }
  ARGOSY_ASSIGN(const worker_places where, placed(job.recipe.train));
  ARGOSY_ASSIGN(auto metrics, step_log::open(job.run / "metrics.jsonl", facts.steps_done));

  const system_clock_source clock;
  const auto& train = job.recipe.train;
  if (train.device == "cpu") warn_of_slow_arithmetic(train.arithmetic, "train.compute = \"float32\"");
  const pair_order pairs(job.data->pairs(), train.seed);
  const further_finder further(job.recipe, *job.data);
  training_system system;
  system.settings = {.recipe = job.recipe, .of = facts.of, .first_step = facts.steps_done};
  system.engine = [&](std::unique_ptr<collective> member) {
    const std::string& name = where.device_of[static_cast<std::size_t>(member->rank())];
    const auto make_device = [&name, &train, threads = threads_each(job.recipe)] {
      return open_device(name, threads, train.arithmetic, train.attention);
    };
    return make_replica_engine({.facts = facts, .make_device = make_device, .resume = from, .initial = initial, .gpu_each = where.gpu_each},
                               std::move(member), clock);
  };
  system.batches = [&](int rank) {
    const batch_share share{.global_batch = train.batch, .rank = rank, .workers = train.workers};
    return [&, share](std::uint64_t step) { return make_batch(*job.data, pairs, step, share, further.queries()); };
  };
  system.write = [&](const checkpoint_state& state) -> status {
    ARGOSY_TRY(write_checkpoint(job.run, state));
    return prune_checkpoints(job.run, job.recipe.checkpoint.keep);
  };
  if (figures)
    system.measure = [figures](const checkpoint_state& state, const std::stop_token& cut) { return figures->measure(state, cut); };
  system.sink = [&](const training_progress& progress) {
    if (show) show(progress);
    return metrics.write(metrics_line(progress));
  };
  ARGOSY_ASSIGN(const training_end end, run_system(system, clock, stop));
  return ended(end);
}

}  // namespace argosy

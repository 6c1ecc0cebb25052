#include "actors/run_folder.hpp"

#include <sstream>
#include <vector>

#include "actors/job_ledger.hpp"
#include "base/log.hpp"
#include "schema/folder.hpp"
#include "schema/journal.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

// "[train] batch = 64", in the order of the recipe.
std::vector<std::string> choices_of(recipe r) {
  r.train.threads = 0;
  r.train.workers = 1;  // compared by themselves: each node of a job has one in its recipe
  r.train.bucket_kib = training_recipe{}.bucket_kib;
  r.train.shard_moments = false;
  r.train.device = "cpu";
  r.train.attention = training_recipe{}.attention;
  r.checkpoint = {};
  std::vector<std::string> choices;
  std::string section, line;
  for (std::istringstream text(recipe_text(r)); std::getline(text, line);) {
    if (line.starts_with('['))
      section = line + ' ';
    else if (!line.empty())
      choices.push_back(section + line);
  }
  return choices;
}

status check_same_recipe(const recipe& then, const recipe& now) {
  const auto before = choices_of(then), after = choices_of(now);
  std::string differences;
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i)
    if (before[i] != after[i]) differences += "; the checkpoint has " + before[i] + ", this run " + after[i];
  if (differences.empty()) return {};
  return {errc::invalid_argument, "the recipe differs" + differences};
}

// The folder may be that of a job of many nodes, which does not go on from checkpoints of a run.
status heed_ledger(const fs::path& run) {
  const fs::path ledger = run / ledger_name;
  std::error_code failed;
  if (!fs::exists(ledger, failed)) return {};
  if (journal_is_held(ledger))
    return {errc::unavailable, run.string() + ": a job of many nodes trains here, whose coordinator has " + ledger_name + " open"};
  log::warning(run.string() + ": is the folder of a job of many nodes, which cannot go on here once this run has written a checkpoint");
  return {};
}

}  // namespace

checkpoint_facts facts_of(const training_job& job) {
  const prepared_data& data = *job.data;
  return {.steps_done = 0,
          .of = total_steps(job.recipe, data.pairs()),
          .data_fingerprint = data.fingerprint(),
          .recipe = job.recipe,
          .inputs = inputs_of(data),
          .vocabulary = data.vocab().text(),
          .segmenter = std::string(data.segmenter_source()),
          .workers = job.recipe.train.workers};
}

status check_same_run(const checkpoint_facts& then, const checkpoint_facts& now) {
  if (then.data_fingerprint != now.data_fingerprint)
    return {errc::invalid_argument, "trained on other data: want the data with fingerprint " + hex_text(then.data_fingerprint) + ", got " +
                                        hex_text(now.data_fingerprint)};
  if (then.workers != now.workers)
    return {errc::invalid_argument, "trained by " + std::to_string(then.workers) +
                                        " workers, each with its memory bank: want train.workers = " + std::to_string(then.workers) +
                                        ", got " + std::to_string(now.workers)};
  ARGOSY_TRY(check_same_recipe(then.recipe, now.recipe));
  if (then.of != now.of)
    return {errc::invalid_argument, "want a run of " + std::to_string(then.of) + " steps, got " + std::to_string(now.of)};
  return {};
}

result<std::shared_ptr<const checkpoint_state>> starting_point(const training_job& job) {
  if (is_sealed(job.run))
    return status{errc::invalid_argument,
                  job.run.string() + ": holds prepared data or other finished work: choose another folder for the run"};
  ARGOSY_TRY(heed_ledger(job.run));
  ARGOSY_ASSIGN(const bool there, has_checkpoints(job.run));
  if (there && !job.resume)
    return status{errc::invalid_argument,
                  job.run.string() + ": holds checkpoints of a run: go on with it by --resume, or choose another folder"};
  if (!there) {
    if (job.resume) log::warning(job.run.string() + ": no checkpoint to go on from: a new run begins");
    return std::shared_ptr<const checkpoint_state>{};
  }
  ARGOSY_ASSIGN(const auto newest, find_checkpoint(job.run));
  ARGOSY_ASSIGN(auto state, read_checkpoint(newest));
  if (const status same = check_same_run(state.facts, facts_of(job)); !same.ok()) return same.within(newest.string());
  if (state.banks.size() != static_cast<std::size_t>(state.facts.workers))
    return status{errc::corrupt, newest.string() + ": want " + std::to_string(state.facts.workers) + " memory banks, got " +
                                     std::to_string(state.banks.size())};
  ARGOSY_TRY(set_aside_newer(job.run, newest));
  return std::make_shared<const checkpoint_state>(std::move(state));
}

result<std::shared_ptr<const initial_weights>> initial_weights_of(const training_job& job) {
  if (job.initial.empty()) return std::shared_ptr<const initial_weights>{};
  ARGOSY_ASSIGN(auto weights, read_initial_weights(job.initial));
  const auto facts = facts_of(job);
  if (const status fits = check_fits(weights, facts.recipe.model, facts.inputs, facts.vocabulary); !fits.ok())
    return fits.within(job.initial.string());
  return std::make_shared<const initial_weights>(std::move(weights));
}

}  // namespace argosy

#include <algorithm>
#include <filesystem>
#include <memory>
#include <ostream>

#include "actors/training.hpp"
#include "base/log.hpp"
#include "model/checkpoint.hpp"
#include "model/study_plan.hpp"
#include "schema/folder.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/interrupts.hpp"
#include "tools/run_record.hpp"
#include "tools/study_report.hpp"
#include "tools/training_display.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

struct planned_run {
  const study_plan::row* row;
  std::uint64_t seed;
};

// Seed by seed, so that all rows can be compared as soon as each has one.
std::vector<planned_run> runs_of(const study_plan& plan) {
  std::vector<planned_run> runs;
  for (const auto seed : plan.seeds)
    for (const auto& row : plan.rows) runs.push_back({&row, seed});
  return runs;
}

std::string name_of(const planned_run& run) { return run.row->name + "-" + std::to_string(run.seed); }

study_outline outline_of(const study_plan& plan) {
  study_outline outline{plan.title, plan.about, {}, plan.baseline, plan.seeds};
  for (const auto& each : plan.set) outline.about += (&each == plan.set.data() ? " All rows: " : ", ") + each;
  if (!plan.set.empty()) outline.about += '.';
  for (const auto& row : plan.rows) outline.rows.push_back({row.name, row.set});
  return outline;
}

class study {
public:
  study(const study_options& options, const console& io, study_plan plan, std::shared_ptr<const prepared_data> data,
        std::shared_ptr<const judgements> judged)
      : options_(options), io_(io), plan_(std::move(plan)), data_(std::move(data)), judged_(std::move(judged)) {}

  // Runs that fail are named and left out; the first of their failures is the answer, once all others are done.
  status run() {
    status failure;
    const auto runs = runs_of(plan_);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const auto trained = run_one(runs[i], std::to_string(i + 1) + " of " + std::to_string(runs.size()));
      if (io_.stop.stop_requested()) return interrupted("the same command goes on where it stopped");
      if (!trained.ok()) log::warning(name_of(runs[i]) + ": " + trained.failure().text());
      if (failure.ok()) failure = trained.failure().within("run " + name_of(runs[i]));
      if (trained.ok()) finished_.push_back({runs[i].row->name, runs[i].seed, folder_of(runs[i])});
      if (trained.ok() && *trained) ARGOSY_TRY(write_report());
    }
    ARGOSY_TRY(write_report());
    ARGOSY_TRY(print());
    return failure;
  }

private:
  fs::path folder_of(const planned_run& run) const { return options_.out / "runs" / name_of(run); }

  // Whether there was anything left to train.
  result<bool> run_one(const planned_run& planned, const std::string& place) {
    training_display display(io_, name_of(planned) + ", " + place + ":");
    training_job job{.data = data_,
                     .recipe = planned.row->recipe,
                     .run = folder_of(planned),
                     .judged = judged_,
                     .evaluated = [&](std::span<const evaluated_part> parts) { display.take(parts); }};
    job.recipe.train.seed = planned.seed;
    if (fs::exists(job.run)) {
      ARGOSY_ASSIGN(job.resume, has_checkpoints(job.run));
    }
    const auto end = run_training(
        job, [&](const training_progress& p) { display.show(p); }, io_.stop);
    io_.progress.close();
    ARGOSY_TRY(end.failure());
    if (!end->interrupted) ARGOSY_TRY(read_run(job.run).failure());
    return end->seconds > 0;
  }

  status write_report() const {
    ARGOSY_ASSIGN(const study_figures figures, figures_of(outline_of(plan_), finished_));
    ARGOSY_TRY(replace_file(options_.out / "study.html", study_page(figures)));
    return replace_file(options_.out / "study.json", study_json(figures));
  }

  status print() const {
    if (finished_.empty()) return {};
    ARGOSY_ASSIGN(const study_figures figures, figures_of(outline_of(plan_), finished_));
    if (options_.json) {
      io_.out << study_json(figures) << '\n';
    } else {
      io_.out << study_table(figures) << (options_.out / "study.html").string() << '\n';
    }
    return {};
  }

  const study_options& options_;
  const console& io_;
  study_plan plan_;
  std::shared_ptr<const prepared_data> data_;
  std::shared_ptr<const judgements> judged_;
  std::vector<study_run> finished_;
};

}  // namespace

status run_study(const study_options& options, const console& io) {
  ARGOSY_ASSIGN(study_plan plan, load_study(options.study, options.overrides));
  ARGOSY_ASSIGN(prepared_data data, prepared_data::open(options.data));
  ARGOSY_ASSIGN(judgements judged, read_judgements(options.queries, options.qrels));
  std::error_code error;
  fs::create_directories(options.out, error);
  if (error) return {errc::io_error, options.out.string() + ": " + error.message()};
  return study(options, io, std::move(plan), std::make_shared<const prepared_data>(std::move(data)),
               std::make_shared<const judgements>(std::move(judged)))
      .run();
}

}  // namespace argosy

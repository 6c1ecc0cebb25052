#include <nlohmann/json.hpp>
#include <ostream>

#include "actors/job_ledger.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"

namespace argosy {
namespace {

struct ledger_figures {
  std::uint64_t groups = 0, checkpoints = 0, trained = 0, taken_back = 0, unwitnessed = 0;
  bool ended = false;
};

// Of a job that nobody disturbs, step after step; a group that begins before takes steps back.
result<ledger_figures> check(const ledger_content& content) {
  ledger_figures figures;
  job_past past(content.facts.job);
  for (const job_entry& entry : content.entries) {
    const bool is_step = entry.kind == job_entry::what::step, is_group = entry.kind == job_entry::what::group;
    if (is_step && entry.mark.steps_done != past.committed + 1)
      return status(errc::corrupt,
                    "step " + std::to_string(entry.mark.steps_done - 1) + " follows " + std::to_string(past.committed) + " steps");
    if (is_group && entry.mark.steps_done > past.committed)
      return status(errc::corrupt, "a group begins after " + std::to_string(entry.mark.steps_done) + " steps, of which " +
                                       std::to_string(past.committed) + " are committed");
    if (is_group) figures.taken_back += past.committed - entry.mark.steps_done;
    if (is_group) figures.ended = false;
    figures.groups += is_group;
    figures.checkpoints += entry.kind == job_entry::what::checkpoint;
    figures.unwitnessed += is_step && entry.pairs == 0;
    figures.ended |= entry.kind == job_entry::what::end && entry.why.empty();
    ARGOSY_TRY(past.take(entry));
  }
  if (figures.ended && past.saved && past.saved->steps_done != past.committed && past.committed == content.facts.of)
    return status(errc::corrupt, "the last checkpoint is not that of the end");
  figures.trained = past.committed;
  return figures;
}

}  // namespace

status run_ledger(const ledger_options& options, const console& io) {
  ARGOSY_ASSIGN(const ledger_content content, read_ledger(options.run));
  const auto figures = check(content);
  if (!figures.ok()) return figures.failure().within((options.run / ledger_name).string());
  if (options.json) {
    const nlohmann::ordered_json object = {{"steps", figures->trained},
                                           {"of", content.facts.of},
                                           {"ended", figures->ended},
                                           {"coordinators", content.term},
                                           {"groups", figures->groups},
                                           {"taken_back", figures->taken_back},
                                           {"checkpoints", figures->checkpoints},
                                           {"steps_told_by_some", figures->unwitnessed}};
    io.out << object.dump() << '\n';
    return {};
  }
  io.out << options.run.string() << ": " << grouped(figures->trained) << " of " << grouped(content.facts.of)
         << " steps are trained, each once; " << grouped(content.term) << " coordinators, " << grouped(figures->groups) << " groups, "
         << grouped(figures->taken_back) << " steps taken back and done once more, " << grouped(figures->checkpoints) << " checkpoints\n";
  return {};
}

}  // namespace argosy

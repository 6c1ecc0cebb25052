#include <nlohmann/json.hpp>
#include <ostream>

#include "actors/ledger_audit.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"

namespace argosy {
status run_ledger(const ledger_options& options, const console& io) {
  ARGOSY_ASSIGN(const ledger_content content, read_ledger(options.run));
  const auto figures = audit(content);
  if (!figures.ok()) return figures.failure().within((options.run / ledger_name).string());
  if (options.json) {
    const nlohmann::ordered_json object = {{"steps", figures->past.committed},
                                           {"of", content.facts.of},
                                           {"ended", figures->ended},
                                           {"stopped", figures->stopped},
                                           {"coordinators", content.term},
                                           {"groups", figures->groups},
                                           {"taken_back", figures->taken_back},
                                           {"checkpoints", figures->checkpoints},
                                           {"steps_told_by_some", figures->told_by_some}};
    io.out << object.dump() << '\n';
    return {};
  }
  io.out << options.run.string() << ": " << grouped(figures->past.committed) << " of " << grouped(content.facts.of)
         << " steps are trained, each once; " << grouped(content.term) << " coordinators, " << grouped(figures->groups) << " groups, "
         << grouped(figures->taken_back) << " steps taken back and done once more, " << grouped(figures->checkpoints) << " checkpoints"
         << (figures->stopped ? "; stopped\n" : "\n");
  return {};
}

}  // namespace argosy

#include <ostream>

#include "actors/job_server.hpp"
#include "base/log.hpp"
#include "schema/folder.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/interrupts.hpp"
#include "tools/training_display.hpp"

namespace argosy {
namespace {

void print_end(const coordinator_options& options, const training_end& end, std::ostream& out) {
  if (end.seconds == 0) {
    out << options.run.string() << ": all " << grouped(end.of) << " steps are done\n";
    return;
  }
  out << options.run.string() << ": " << grouped(end.steps_done) << " of " << grouped(end.of) << " steps in " << duration_text(end.seconds)
      << ", " << fixed(end.pairs_per_s, 0) << " pairs/s, last loss " << fixed(end.last_loss, 4) << '\n';
}

}  // namespace

status run_coordinator(const coordinator_options& options, const console& io) {
  ARGOSY_ASSIGN(const recipe chosen, load_recipe(options.recipe, options.overrides));
  ARGOSY_ASSIGN(prepared_data data, prepared_data::open(options.data));
  training_display display(io, "train");
  coordinator_job job{.data = std::make_shared<const prepared_data>(std::move(data)),
                      .recipe = chosen,
                      .run = options.run,
                      .initial = options.initial,
                      .listen = options.listen,
                      .credentials = options.credentials,
                      .nodes = options.nodes,
                      .least = options.least,
                      .without_checkpoint = options.without_checkpoint};
  status announced;
  job.listening = [&](const std::string& address) {
    io.err << "argosy: nodes join at " << address << std::endl;
    if (!options.address_file.empty()) announced = replace_file(options.address_file, address + "\n");
  };
  job.remark = [](const std::string& remark) { log::info(remark); };
  ARGOSY_ASSIGN(const training_end end, run_job_coordinator(
                                            job, [&](const training_progress& p) { display.show(p); }, io.stop));
  io.progress.close();
  ARGOSY_TRY(announced);
  print_end(options, end, io.out);
  if (!end.interrupted) return {};
  return interrupted(end.saved             ? "a checkpoint is written; the same command goes on"
                     : end.steps_done == 0 ? "no step was done; the same command begins"
                                           : "no node wrote a checkpoint of the last steps; the same command goes on from what there is");
}

}  // namespace argosy

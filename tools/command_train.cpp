#include <memory>
#include <ostream>

#include "actors/training.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/interrupts.hpp"
#include "tools/training_display.hpp"

namespace argosy {
namespace {

result<std::shared_ptr<const judgements>> judgements_of(const train_options& options) {
  if (options.queries.empty() != options.qrels.empty()) return status(errc::invalid_argument, "--queries and --qrels: want both or none");
  if (options.queries.empty()) return std::shared_ptr<const judgements>();
  ARGOSY_ASSIGN(judgements judged, read_judgements(options.queries, options.qrels));
  return std::make_shared<const judgements>(std::move(judged));
}

void print_end(const train_options& options, const training_end& end, const std::string& recall, std::ostream& out) {
  if (end.seconds == 0) {
    out << options.run.string() << ": all " << grouped(end.of) << " steps are done\n";
    return;
  }
  out << options.run.string() << ": " << grouped(end.steps_done) << " of " << grouped(end.of) << " steps in " << duration_text(end.seconds)
      << ", " << fixed(end.pairs_per_s, 0) << " pairs/s, last loss " << fixed(end.last_loss, 4) << recall << '\n';
}

}  // namespace

status run_train(const train_options& options, const console& io) {
  ARGOSY_ASSIGN(const recipe chosen, load_recipe(options.recipe, options.overrides));
  ARGOSY_ASSIGN(prepared_data data, prepared_data::open(options.data));
  ARGOSY_ASSIGN(const auto judged, judgements_of(options));
  training_display display(io, "train");
  const training_job job{.data = std::make_shared<const prepared_data>(std::move(data)),
                         .recipe = chosen,
                         .run = options.run,
                         .resume = options.resume,
                         .initial = options.initial,
                         .judged = judged,
                         .evaluated = [&](std::span<const evaluated_part> parts) { display.take(parts); }};
  ARGOSY_ASSIGN(const training_end end, run_training(
                                            job, [&](const training_progress& p) { display.show(p); }, io.stop));
  io.progress.close();
  print_end(options, end, display.recall_text(), io.out);
  return end.interrupted ? interrupted("a checkpoint is written; `argosy train ... --resume` goes on") : status{};
}

}  // namespace argosy

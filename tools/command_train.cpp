#include <atomic>
#include <cmath>
#include <memory>
#include <ostream>

#include "actors/training.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/interrupts.hpp"

namespace argosy {
namespace {

// The rate of single steps jumps; what is shown follows it slowly.
class step_display {
public:
  explicit step_display(const console& io) : io_(&io) {}

  void show(const training_progress& p) {
    constexpr double weight_of_new = .05;
    rate_ = rate_ == 0 ? p.pairs_per_s : std::lerp(rate_, p.pairs_per_s, weight_of_new);
    io_->progress.show({.stage = "train",
                        .unit = "steps",
                        .done = p.report.step + 1,
                        .total = p.of,
                        .rate = rate_,
                        .seconds_left = p.seconds_left,
                        .rate_unit = "pairs",
                        .detail = "loss " + fixed(p.report.loss, 3) + "  " + std::string(name_of(p.report.phase)) + recall_text()});
  }
  // From the evaluator's thread.
  void take(std::span<const evaluated_part> parts) { recall_ = parts.front().metrics.recall.at(10); }
  std::string recall_text() const { return recall_ < 0 ? std::string() : "  recall@10 " + fixed(recall_, 3); }

private:
  const console* io_;
  double rate_ = 0;
  std::atomic<double> recall_ = -1;  // of the newest evaluation
};

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
  step_display display(io);
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

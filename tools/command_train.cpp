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
                        .detail = "loss " + fixed(p.report.loss, 3) + "  " + std::string(name_of(p.report.phase))});
  }

private:
  const console* io_;
  double rate_ = 0;
};

void print_end(const train_options& options, const training_end& end, std::ostream& out) {
  if (end.seconds == 0) {
    out << options.run.string() << ": all " << grouped(end.of) << " steps are done\n";
    return;
  }
  out << options.run.string() << ": " << grouped(end.steps_done) << " of " << grouped(end.of) << " steps in " << duration_text(end.seconds)
      << ", " << fixed(end.pairs_per_s, 0) << " pairs/s, last loss " << fixed(end.last_loss, 4) << '\n';
}

}  // namespace

status run_train(const train_options& options, const console& io) {
  ARGOSY_ASSIGN(const recipe chosen, load_recipe(options.recipe, options.overrides));
  ARGOSY_ASSIGN(prepared_data data, prepared_data::open(options.data));
  const training_job job{std::make_shared<const prepared_data>(std::move(data)), chosen, options.run, options.resume, options.initial};
  step_display display(io);
  ARGOSY_ASSIGN(const training_end end, run_training(
                                            job, [&](const training_progress& p) { display.show(p); }, io.stop));
  io.progress.close();
  print_end(options, end, io.out);
  return end.interrupted ? interrupted("a checkpoint is written; `argosy train ... --resume` goes on") : status{};
}

}  // namespace argosy

#include "tools/training_display.hpp"

#include <cmath>

#include "tools/format.hpp"

namespace argosy {

// The rate of single steps jumps; what is shown follows it slowly.
void training_display::show(const training_progress& p) {
  constexpr double weight_of_new = .05;
  rate_ = rate_ == 0 ? p.pairs_per_s : std::lerp(rate_, p.pairs_per_s, weight_of_new);
  io_->progress.show({.stage = stage_,
                      .unit = "steps",
                      .done = p.report.step + 1,
                      .total = p.of,
                      .rate = rate_,
                      .seconds_left = p.seconds_left,
                      .rate_unit = "pairs",
                      .detail = "loss " + fixed(p.report.loss, 3) + "  " + std::string(name_of(p.report.phase)) + recall_text()});
}

std::string training_display::recall_text() const {
  const double recall = recall_;
  return recall < 0 ? std::string() : "  recall@10 " + fixed(recall, 3);
}

}  // namespace argosy

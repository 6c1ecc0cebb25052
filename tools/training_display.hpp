// The progress of a run on the screen: its steps, their rate, the loss, and the recall of the newest evaluation.
// Threads   `show` from one; `take` from another, the evaluator's.
#pragma once

#include <atomic>
#include <span>
#include <string>

#include "actors/training.hpp"
#include "tools/console.hpp"

namespace argosy {

class training_display {
public:
  // The console outlives it. `stage` begins the line.
  training_display(const console& io, std::string stage) : io_(&io), stage_(std::move(stage)) {}

  void show(const training_progress&);
  void take(std::span<const evaluated_part> parts) { recall_ = parts.front().metrics.recall.at(10); }
  // "  recall@10 0.912"; empty before the first evaluation.
  std::string recall_text() const;

private:
  const console* io_;
  std::string stage_;
  double rate_ = 0;
  std::atomic<double> recall_ = -1;
};

}  // namespace argosy

#include "actors/run_book.hpp"

#include <algorithm>
#include <utility>

#include "actors/step_progress.hpp"

namespace argosy {
namespace {

template <class T>
bool all_there(const std::vector<std::optional<T>>& parts) {
  return std::ranges::all_of(parts, [](const auto& part) { return part.has_value(); });
}

status unexpected(const char* what, int rank, std::uint64_t step) {
  return {errc::internal, "rank " + std::to_string(rank) + ": a " + what + " for step " + std::to_string(step) + " that nobody waits for"};
}

}  // namespace

bool is_regular_checkpoint(const recipe& r, std::uint64_t steps_done, std::uint64_t of) noexcept {
  return steps_done == of || (r.checkpoint.every > 0 && steps_done % r.checkpoint.every == 0);
}

run_book::run_book(const run_settings& settings, const clock_source& clock)
    : settings_(settings),
      clock_(&clock),
      started_(clock.now()),
      issued_(settings_.first_step),
      done_(settings_.first_step),
      saved_(settings_.first_step) {}

bool run_book::checkpoint_due() const noexcept {
  return issued_ > saved_ && (stopped_ || is_regular_checkpoint(settings_.recipe, issued_, settings_.of));
}

std::optional<run_order> run_book::next() {
  if (failed()) return std::nullopt;
  if (checkpoint_due()) {
    if (writing_) return std::nullopt;
    writing_ = true;
    saved_ = issued_;
    checkpoint_parts_.assign(static_cast<std::size_t>(workers()), std::nullopt);
    return save_order{saved_};
  }
  if (issued_all() || issued_ - done_ >= settings_.ahead) return std::nullopt;
  parts_[issued_].resize(static_cast<std::size_t>(workers()));
  return plan_step(settings_.recipe, issued_++, settings_.of);
}

result<std::optional<training_progress>> run_book::take(const step_done& part) {
  const auto found = parts_.find(part.report.step);
  const auto rank = static_cast<std::size_t>(part.rank);
  if (found == parts_.end() || rank >= found->second.size() || found->second[rank])
    return unexpected("report", part.rank, part.report.step);
  found->second[rank] = part;
  if (!all_there(found->second)) return std::optional<training_progress>{};
  ++done_;
  const std::optional<training_progress> progress = progress_of(found->second);
  parts_.erase(found);
  return progress;
}

training_progress run_book::progress_of(const std::vector<std::optional<step_done>>& parts) {
  std::vector<step_done> whole;
  for (const auto& part : parts) whole.push_back(*part);
  training_progress p = progress_of_ranks(whole, settings_.of);
  const double each_s = seconds_between(started_, clock_->now()) / static_cast<double>(done_ - settings_.first_step);
  p.seconds_left = each_s * static_cast<double>(settings_.of - done_);
  pairs_ += p.report.pairs;
  last_loss_ = p.report.loss;
  return p;
}

result<checkpoint_ptr> run_book::take(checkpoint_part part) {
  const auto rank = static_cast<std::size_t>(part.rank);
  if (rank >= checkpoint_parts_.size() || checkpoint_parts_[rank] || (rank == 0 && !part.weights))
    return unexpected("checkpoint part", part.rank, saved_);
  checkpoint_parts_[rank] = std::move(part);
  if (!all_there(checkpoint_parts_)) return checkpoint_ptr{};
  const auto whole = checkpoint_parts_[0]->weights;
  whole->banks.clear();
  for (const auto& each : checkpoint_parts_) whole->banks.push_back(each->bank ? *each->bank : memory_bank::snapshot{});
  checkpoint_parts_.clear();
  return checkpoint_ptr(whole);
}

void run_book::checkpoint_written() { writing_ = false; }

void run_book::fail(const status& why) {
  const bool only_an_echo = failure_.code() == errc::aborted && why.code() != errc::aborted;
  if (failure_.ok() || only_an_echo) failure_ = why;
}

bool run_book::complete() const noexcept { return !failed() && issued_all() && done_ == issued_ && saved_ == done_ && !writing_; }

result<training_end> run_book::end() const {
  if (failed()) return failure_;
  const double seconds = seconds_between(started_, clock_->now());
  return training_end{.steps_done = done_,
                      .of = settings_.of,
                      .interrupted = done_ < settings_.of,
                      .seconds = seconds,
                      .last_loss = last_loss_,
                      .pairs_per_s = per_second(pairs_, seconds)};
}

}  // namespace argosy

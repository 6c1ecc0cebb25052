#include "tools/progress.hpp"

#include <ostream>

#include "tools/format.hpp"

namespace argosy {
namespace {

constexpr double terminal_interval_s = 0.1;
constexpr double plain_interval_s = 5;

std::string counted(const progress& p) {
  std::string text = grouped(p.done);
  if (p.total > 0) text += " of " + grouped(p.total);
  if (!p.unit.empty()) text.append(" ").append(p.unit);
  if (p.total > 0) text += "  " + fixed(100.0 * static_cast<double>(p.done) / static_cast<double>(p.total), 0) + " %";
  return text;
}

std::string rate_text(double rate, std::string_view unit) {
  std::string text = "  " + (rate < 10 ? fixed(rate, 1) : grouped(static_cast<std::uint64_t>(rate)));
  if (!unit.empty()) text.append(" ").append(unit);
  return text + "/s";
}

std::string line_of(const progress& p, double seconds) {
  std::string text = std::string(p.stage) + "  " + counted(p);
  const double measured = seconds > 0 ? static_cast<double>(p.done) / seconds : 0;
  const double rate = p.rate.value_or(measured);
  if (rate > 0) text += rate_text(rate, p.rate_unit);
  if (p.total > p.done && (p.seconds_left || measured > 0)) {
    text += "  " + duration_text(p.seconds_left.value_or(static_cast<double>(p.total - p.done) / measured)) + " left";
  }
  if (!p.detail.empty()) text += "  " + p.detail;
  return text;
}

bool complete(const progress& p) noexcept { return p.total > 0 && p.done >= p.total; }

}  // namespace

void progress_line::show(const progress& p) {
  const steady_time now = clock_->now();
  const bool fresh = begin_stage(p.stage, now);
  if (!fresh && !due(p, now)) return;
  if (fresh && columns_ == 0 && !complete(p)) return;
  write(line_of(p, seconds_between(stage_start_, now)));
  shown_ = now;
  finished_ = complete(p);
}

bool progress_line::begin_stage(std::string_view stage, steady_time now) {
  if (any_shown_ && stage_ == stage) return false;
  close();
  stage_ = stage;
  stage_start_ = shown_ = now;
  any_shown_ = true;
  finished_ = false;
  return true;
}

bool progress_line::due(const progress& p, steady_time now) const {
  if (finished_) return false;
  if (complete(p)) return true;
  return seconds_between(shown_, now) >= (columns_ > 0 ? terminal_interval_s : plain_interval_s);
}

void progress_line::write(const std::string& text) {
  if (columns_ > 0) {
    *to_ << '\r' << first_letters(text, columns_ - 1) << "\033[K" << std::flush;
    open_ = true;
  } else {
    *to_ << text << '\n' << std::flush;
  }
}

void progress_line::close() {
  if (open_) *to_ << '\n' << std::flush;
  open_ = false;
}

}  // namespace argosy

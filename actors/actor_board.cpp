#include "actors/actor_board.hpp"

#include <algorithm>
#include <caf/scheduled_actor.hpp>

namespace argosy {

std::size_t detail::messages_behind(caf::scheduled_actor& actor) { return actor.mailbox().size(); }

actor_gauge::actor_gauge(std::string name, const clock_source& clock) : clock_(&clock) { figures_.name = std::move(name); }

void actor_gauge::starts(const std::string& cause) {
  const std::lock_guard lock(mutex_);
  figures_.cause = figures_.starts++ == 0 ? std::string() : cause;
}

void actor_gauge::failed(const std::string& cause) {
  const std::lock_guard lock(mutex_);
  figures_.cause = cause;
}

actor_figures actor_gauge::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

actor_gauge::handling::handling(actor_gauge* of, std::size_t waiting) : of_(of) {
  if (of_ == nullptr) return;
  began_ = of_->clock_->now();
  const std::lock_guard lock(of_->mutex_);
  of_->figures_.waiting = waiting;
}

actor_gauge::handling::~handling() {
  if (of_ != nullptr) of_->handled(seconds_between(began_, of_->clock_->now()));
}

void actor_gauge::handled(double seconds) {
  const std::lock_guard lock(mutex_);
  ++figures_.handled;
  figures_.busy_s += seconds;
  figures_.longest_s = std::max(figures_.longest_s, seconds);
}

actor_gauge& actor_board::add(const std::string& name) {
  gauges_.push_back(std::make_unique<actor_gauge>(name, *clock_));
  return *gauges_.back();
}

std::vector<actor_figures> actor_board::figures() const {
  std::vector<actor_figures> all;
  all.reserve(gauges_.size());
  for (const auto& gauge : gauges_) all.push_back(gauge->figures());
  return all;
}

}  // namespace argosy

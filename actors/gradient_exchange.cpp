#include "actors/gradient_exchange.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "actors/error.hpp"
#include "base/check.hpp"
#include "kernels/rows.hpp"

namespace argosy {
namespace {

constexpr int weights_arena = 0, rest_arena = 1;

}  // namespace

gradient_exchange::gradient_exchange(device& on, parameters& weights, std::vector<std::string> order, collective& group,
                                     const clock_source& clock, std::int64_t bucket_bytes)
    : on_(&on), weights_(&weights), order_(std::move(order)), group_(&group), clock_(&clock) {
  if (bucket_bytes == 0) return;
  if (!on.host_reads()) {
    opened_ = open_beside();
    if (!group_beside_) return;
  }
  cut_into_buckets(bucket_bytes);
  complete_at_.resize(buckets_.size());
  thread_ = std::jthread([this](const std::stop_token& stop) { sum_what_comes(stop); });
}

gradient_exchange::~gradient_exchange() {
  std::unique_lock lock(mutex_);
  const bool in_flight = summed_ != let_go_ && failure_.ok();
  lock.unlock();
  if (in_flight) abandon({errc::aborted, "the step was given up"});
}

status gradient_exchange::open_beside() {
  ARGOSY_ASSIGN(beside_, on_->beside());
  if (beside_ != nullptr) group_beside_ = group_->beside(*beside_);
  return {};
}

// What the order does not name is complete with all of it.
void gradient_exchange::cut_into_buckets(std::int64_t bucket_bytes) {
  const const_view arena = weights_->arena_of(weights_arena).gradient;
  const auto number_bytes = static_cast<std::int64_t>(size_of(arena.type));
  const auto* const base = static_cast<const std::byte*>(arena.data);
  std::vector<bool> taken(weights_->size());
  for (std::size_t named = 0; named <= order_.size(); ++named)
    for (std::size_t i = 0; i < weights_->size(); ++i) {
      const parameter& p = (*weights_)[i];
      const bool is_named = named == order_.size() || p.spec.name.starts_with(order_[named]);
      if (taken[i] || !p.spec.decay || !is_named) continue;
      taken[i] = true;
      if (buckets_.empty() || buckets_.back().count * number_bytes >= bucket_bytes) buckets_.emplace_back();
      buckets_.back().after = std::min(named + 1, order_.size());
      add_to_last({(static_cast<const std::byte*>(p.gradient.data) - base) / number_bytes, p.spec.rows * p.spec.cols});
    }
}

void gradient_exchange::add_to_last(const range& more) {
  bucket& to = buckets_.back();
  to.count += more.count;
  to.ranges.insert(std::ranges::upper_bound(to.ranges, more.first, {}, &range::first), more);
  std::vector<range> joined;
  for (const range& next : to.ranges)
    if (!joined.empty() && joined.back().first + joined.back().count == next.first)
      joined.back().count += next.count;
    else
      joined.push_back(next);
  to.ranges = std::move(joined);
}

status gradient_exchange::make_room() {
  std::int64_t most = 0;
  for (const bucket& b : buckets_)
    if (b.ranges.size() > 1) most = std::max(most, b.count);
  return most > together_.all().cols ? together_.resize(*on_, 1, most) : status{};
}

status gradient_exchange::copy(const_view from, view to) {
  if (beside_ != nullptr) return move_rows(*beside_, {from, {}, {}, false}, to);
  std::memcpy(to.data, from.data, static_cast<std::size_t>(from.cols) * size_of(from.type));
  return {};
}

status gradient_exchange::sum(const bucket& of) {
  collective& group = group_beside_ ? *group_beside_ : *group_;
  const view arena = weights_->arena_of(weights_arena).gradient;
  const auto part = [&](const range& r) { return arena.column_range(r.first, r.count); };
  if (of.ranges.size() == 1) return group.all_reduce(part(of.ranges.front()));
  std::vector<std::pair<view, view>> moved;  // a range, and its place among the others
  std::int64_t at = 0;
  for (const range& r : of.ranges) moved.emplace_back(part(r), together_.all().column_range(std::exchange(at, at + r.count), r.count));
  for (const auto& [own, there] : moved) ARGOSY_TRY(copy(own, there));
  ARGOSY_TRY(group.all_reduce(together_.all().column_range(0, of.count)));
  for (const auto& [own, there] : moved) ARGOSY_TRY(copy(there, own));
  return beside_ != nullptr ? beside_->wait() : status{};
}

status gradient_exchange::begin() {
  ARGOSY_TRY(opened_);
  ARGOSY_TRY(make_room());
  const std::lock_guard lock(mutex_);
  let_go_ = summed_ = 0;
  failure_ = {};
  finishing_.reset();
  computed_s_ = waited_s_ = overlapped_s_ = 0;
  return {};
}

// For those that are let go now.
void gradient_exchange::set_mark(std::size_t buckets) {
  auto made = on_->mark();
  if (!made.ok()) {
    failure_ = made.failure();
    return;
  }
  const std::shared_ptr<work_mark> mark = std::move(*made);
  std::fill(complete_at_.begin() + static_cast<std::ptrdiff_t>(let_go_), complete_at_.begin() + static_cast<std::ptrdiff_t>(buckets), mark);
}

void gradient_exchange::let_go(std::size_t buckets) {
  {
    const std::lock_guard lock(mutex_);
    if (buckets <= let_go_) return;
    if (beside_ != nullptr) set_mark(buckets);
    let_go_ = buckets;
  }
  changed_.notify_all();
}

void gradient_exchange::complete(std::string_view name) {
  const auto found = std::ranges::find(order_, name);
  ARGOSY_CHECK(found != order_.end());
  const auto named = static_cast<std::size_t>(found - order_.begin()) + 1;
  const auto waits = std::ranges::find_if(buckets_, [&](const bucket& b) { return b.after > named; });
  const auto ready = static_cast<std::size_t>(waits - buckets_.begin());
  // The last one, with what the order does not name, waits for finish().
  let_go(std::min(ready, std::max<std::size_t>(1, buckets_.size()) - 1));
}

// Until every rank has come to the same sum: what is waited is told from what the bytes take.
status gradient_exchange::meet() { return group_->gather_counts(0).failure(); }

// Of that time, what was over when finish() was called.
double gradient_exchange::before_finish(steady_time from, steady_time to) const {
  return finishing_ ? std::max(0.0, seconds_between(from, std::min(to, *finishing_))) : seconds_between(from, to);
}

void gradient_exchange::sum_what_comes(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [&] { return summed_ < let_go_ && failure_.ok(); })) {
    const bucket& next = buckets_[summed_];
    const auto complete_at = std::exchange(complete_at_[summed_], nullptr);
    lock.unlock();
    status summed = complete_at ? complete_at->wait() : status{};
    const auto began = clock_->now();
    if (summed.ok()) summed = guarded([this] { return meet(); });
    const auto met = clock_->now();
    if (summed.ok()) summed = guarded([&] { return sum(next); });
    const auto ended = clock_->now();
    lock.lock();
    waited_s_ += seconds_between(began, met) - before_finish(began, met);
    overlapped_s_ += before_finish(met, ended);
    ++summed_;
    if (!summed.ok()) failure_ = summed;
    changed_.notify_all();
  }
}

status gradient_exchange::wait_for_all() {
  let_go(buckets_.size());
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return summed_ == let_go_ || !failure_.ok(); });
  return failure_;
}

status gradient_exchange::finish() {
  const auto queued = clock_->now();
  ARGOSY_TRY(on_->wait());
  {
    const std::lock_guard lock(mutex_);
    finishing_ = clock_->now();
    computed_s_ = seconds_between(queued, *finishing_);
  }
  if (buckets_.empty()) {
    ARGOSY_TRY(meet());
    waited_s_ = seconds_between(*finishing_, clock_->now());
    ARGOSY_TRY(group_->all_reduce(weights_->arena_of(weights_arena).gradient));
  }
  ARGOSY_TRY(wait_for_all());
  return group_->all_reduce(weights_->arena_of(rest_arena).gradient);
}

void gradient_exchange::abandon(const status& why) {
  group_->aborter()->abort(why);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return summed_ == let_go_ || !failure_.ok(); });
}

}  // namespace argosy

#include "actors/fan_out.hpp"

#include <algorithm>
#include <utility>

namespace argosy {
namespace {

std::ptrdiff_t busy_in(const std::vector<wire_answer>& answers) {
  return std::count_if(answers.begin(), answers.end(), [](const wire_answer& one) { return one.code == wire_code::busy; });
}

}  // namespace

fan_out::fan_out(std::span<const std::size_t> replicas_of_shards, fan_out_times times) : times_(times) {
  for (std::size_t shard = 0; shard < replicas_of_shards.size(); ++shard) {
    shards_.emplace_back();
    for (std::size_t i = 0; i < replicas_of_shards[shard]; ++i) {
      shards_.back().push_back(replicas_.size());
      replicas_.push_back({.shard = shard, .waiting_since = {}});
    }
  }
}

bool fan_out::answers(std::size_t which, steady_time now) const noexcept {
  const auto& of = replicas_[which];
  return of.up && !(of.waiting_since && now - *of.waiting_since > times_.silence);
}

std::optional<std::size_t> fan_out::choose(std::size_t shard, const of_shard& asked, steady_time now) const {
  std::optional<std::size_t> best;
  const auto& all = shards_[shard];
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t one = all[(i + last_) % all.size()];  // of equals each in turn
    if (!answers(one, now) || std::find(asked.tried.begin(), asked.tried.end(), one) != asked.tried.end()) continue;
    if (!best || replicas_[one].asks < replicas_[*best].asks) best = one;
  }
  return best;
}

bool fan_out::ask_next(request_id id, request& of, std::size_t shard, steady_time now) {
  of_shard& asked = of.shards[shard];
  const auto chosen = choose(shard, asked, now);
  if (!chosen) return false;
  asks_.push_back({id, *chosen, !asked.tried.empty()});
  asked.tried.push_back(*chosen);
  asked.asks.push_back({*chosen, now});
  ++replicas_[*chosen].asks;
  pinged(*chosen, now);
  return true;
}

void fan_out::drop_ask(of_shard& asked, std::size_t which) {
  const auto at = std::find_if(asked.asks.begin(), asked.asks.end(), [&](const open_ask& one) { return one.replica == which; });
  if (at == asked.asks.end()) return;
  asked.asks.erase(at);
  --replicas_[which].asks;
}

void fan_out::go_on(requests::iterator at, std::size_t shard, steady_time now) {
  of_shard& asked = at->second.shards[shard];
  if (!ask_next(at->first, at->second, shard, now) && asked.asks.empty()) asked.settled = true;
}

fan_out::requests::iterator fan_out::end(requests::iterator at) {
  outcome told{at->first, {}};
  for (of_shard& asked : at->second.shards) {
    for (const open_ask& one : asked.asks) --replicas_[one.replica].asks;
    told.of_shards.push_back(std::move(asked.answer));
  }
  outcomes_.push_back(std::move(told));
  return requests_.erase(at);
}

void fan_out::end_if_settled(requests::iterator at) {
  const auto& shards = at->second.shards;
  if (std::all_of(shards.begin(), shards.end(), [](const of_shard& one) { return one.settled; })) end(at);
}

fan_out::request_id fan_out::begin(steady_time deadline, steady_time now) {
  const auto at = requests_.emplace(++last_, request{deadline, std::vector<of_shard>(shards_.size())}).first;
  for (std::size_t shard = 0; shard < shards_.size(); ++shard) go_on(at, shard, now);
  const request_id id = at->first;
  end_if_settled(at);
  return id;
}

void fan_out::answered(request_id id, std::size_t which, std::vector<wire_answer> answers, steady_time now) {
  const auto at = requests_.find(id);
  if (at == requests_.end()) return heard(which, now);
  of_shard& asked = at->second.shards[shard_of(which)];
  drop_ask(asked, which);
  heard(which, now);
  if (asked.settled) return;
  const bool busy = busy_in(answers) > 0;
  if (!asked.answer || busy_in(answers) < busy_in(*asked.answer)) asked.answer = std::move(answers);
  if (busy) {
    go_on(at, shard_of(which), now);
  } else {
    asked.settled = true;
  }
  end_if_settled(at);
}

void fan_out::failed(request_id id, std::size_t which, steady_time now) {
  const auto at = requests_.find(id);
  if (at == requests_.end()) return;
  of_shard& asked = at->second.shards[shard_of(which)];
  drop_ask(asked, which);
  if (asked.settled) return;
  go_on(at, shard_of(which), now);
  end_if_settled(at);
}

void fan_out::went_up(std::size_t which) {
  replicas_[which].up = true;
  replicas_[which].waiting_since.reset();
}

void fan_out::went_down(std::size_t which, steady_time now) {
  replicas_[which].up = false;
  std::vector<request_id> open;
  for (const auto& [id, of] : requests_) {
    const auto& asks = of.shards[shard_of(which)].asks;
    if (std::any_of(asks.begin(), asks.end(), [&](const open_ask& one) { return one.replica == which; })) open.push_back(id);
  }
  for (const request_id id : open) failed(id, which, now);
}

void fan_out::pinged(std::size_t which, steady_time now) {
  auto& waiting_since = replicas_[which].waiting_since;
  if (!waiting_since) waiting_since = now;
}

void fan_out::heard(std::size_t which, steady_time now) {
  auto& of = replicas_[which];
  of.waiting_since = of.asks > 0 ? std::optional(now) : std::nullopt;
}

// Where this process itself did nothing for that long, what it has not heard is in its own mailbox.
void fan_out::forgive_pause(steady_time now) {
  if (looked_ && now - *looked_ > times_.silence / 2) {
    for (replica& one : replicas_)
      if (one.waiting_since) one.waiting_since = now;
  }
  looked_ = now;
}

void fan_out::look(steady_time now) {
  forgive_pause(now);
  for (auto at = requests_.begin(); at != requests_.end();) {
    if (now >= at->second.deadline) {
      at = end(at);
      continue;
    }
    for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
      of_shard& asked = at->second.shards[shard];
      if (asked.settled) continue;
      const bool late = std::all_of(asked.asks.begin(), asked.asks.end(),
                                    [&](const open_ask& one) { return now - one.since > times_.hedge || !answers(one.replica, now); });
      if (late) ask_next(at->first, at->second, shard, now);
    }
    ++at;
  }
}

std::vector<fan_out::ask> fan_out::take_asks() { return std::exchange(asks_, {}); }
std::vector<fan_out::outcome> fan_out::take_outcomes() { return std::exchange(outcomes_, {}); }

}  // namespace argosy

// What a replica of the simulated job was trained on: the group of each step, for its weights, and for each shard of its optimiser's state.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "actors/job_protocol.hpp"
#include "model/sharding.hpp"

namespace argosy {

struct trained {
  std::vector<group_id> steps;  // the group of each
  job_mark mark;
  bool operator==(const trained&) const = default;
  void add(group_id group) {
    steps.push_back(group);
    mark = after_step(mark, group);
  }
};

// Weights and moments of the shards that a rank holds, and whether it has read the weights of all others.
class trained_shards {
public:
  trained_shards() = default;  // none
  trained_shards(const sharding& held, const trained& of) : held_(held), read_(true) {
    for (int shard = 0; shard < held.of; ++shard)
      if (held.holds(shard)) of_[shard] = of;
  }

  const sharding& held() const noexcept { return held_; }
  // An update of its own; then others' weights are read.
  void add(group_id group) {
    for (auto& [shard, of] : of_) of.add(group);
    read_ = false;
  }
  void read() noexcept { read_ = true; }
  bool has(int shard, const job_mark& mark) const {
    const auto found = of_.find(shard);
    return found != of_.end() && found->second.mark == mark;
  }
  bool are_all_of(const trained& replica) const {
    for (const auto& [shard, of] : of_)
      if (of != replica) return false;
    return read_ && !of_.empty();
  }
  const trained& at(int shard) const { return of_.at(shard); }

private:
  sharding held_{.of = 0};
  std::map<int, trained> of_;
  bool read_ = false;
};

}  // namespace argosy

// What ranks that hold shards of AdamW's moments (model/sharding.hpp) do together. All ranks of the group call each of these.
// Cost      a step reads the weights once over the network, beside the sum of their gradients. Another sharding moves weights and moments
//           once, and a rank has its old shards and its new ones at the same time.
// Errors    of the collective and the device; internal where a rank is said to hold what it does not.
// Threads   one, the device's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "model/parameters.hpp"
#include "net/collective.hpp"

namespace argosy {

// After an update: of the weights each rank's own shard, to all.
class weight_exchange {
public:
  // All outlive it.
  weight_exchange(device& on, parameters& weights, collective& group) : on_(&on), weights_(&weights), group_(&group) {}
  status gather();

private:
  device* on_;
  parameters* weights_;
  collective* group_;
  tensor mine_;
};

// At rank 0 all moments, at the others nothing.
result<std::optional<host_moments>> gather_moments(device&, const parameters&, collective&);

// Weights and moments of an earlier sharding, of whose shards each is at the rank `holder`: the weights to all, and of the moments to each rank
// those of the shards that it is to hold. Until all are there, a rank has what it held, moments and the weights that belong to them.
status share_shards(device&, parameters&, collective&, std::span<const std::int32_t> holder);

}  // namespace argosy

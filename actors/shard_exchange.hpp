// What ranks that hold shards of AdamW's moments (model/sharding.hpp) do together. All ranks of the group call each of these.
// Cost      a step reads the weights once over the network, beside the sum of their gradients, and takes memory for a rank's own shard of them
//           once more, of two ranks too, who hold all of them. Another sharding passes all weights and moments to all ranks, who keep what they hold, and have their old shards,
//           their new ones and two of the pieces in which they pass at the same time.
// Errors    of the collective and the device; internal where a rank does not hold what it has to.
// Threads   one, the device's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "model/parameters.hpp"
#include "net/collective.hpp"

namespace argosy {

// After an update: of the weights each rank's own shard, to all. Refused by a rank that does not hold the shard of its rank in this group. Cut off,
// a rank has the weights of the shards that it holds, and of others those of either step.
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

// At rank 0 all moments, at the others nothing. Refused as above.
result<std::optional<host_moments>> gather_moments(device&, const parameters&, collective&);

// Weights and moments of an earlier sharding, of whose shards (one at least) each is at the rank `holder`: the weights to all, and of the moments to each rank
// those of the shards that it is to hold. Until all are there, a rank has what it held, moments and the weights that belong to them.
status share_shards(device&, parameters&, collective&, std::span<const std::int32_t> holder);

}  // namespace argosy

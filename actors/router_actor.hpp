// Router actor: a client's request to every shard (fan_out.hpp), one reply of their answers (search/shard_merge.hpp).
//   route (routed_ptr)   told once, at its deadline at the latest
//   look  ()             every `pause`: what is late, who answers; every `ping` a sign of life is wanted of every replica, and one that is
//                        not there is connected to
// Refusals   to whoever asked, within the reply.   Ordering   replies as they are ready.
// Failure    a replica that goes, or whose road breaks, is asked no more, and connected to again; what was asked of it is asked of another.
#pragma once

#include <atomic>
#include <caf/fwd.hpp>
#include <caf/io/middleman_actor.hpp>
#include <caf/timespan.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/fan_out.hpp"
#include "actors/shard_actor.hpp"

namespace argosy {

struct routed_request {
  wire_request asked;
  steady_time deadline{};
  std::function<void(wire_reply)> tell;  // once; does not block
};

// What others may read of a replica, from any thread.
struct replica_figures {
  std::atomic<bool> answers{false};
  std::atomic<std::uint64_t> asked{0}, instead{0}, failed{0};  // instead: of another one
};

using router_actor = caf::typed_actor<caf::reacts_to<route_atom, routed_ptr>, caf::reacts_to<look_atom>>;

struct replica_place {
  std::string name;  // as the user calls it
  shard_actor here;  // in this process; none: at the port
  std::string host;
  std::uint16_t port = 0;
};

struct router_parts {
  std::vector<std::vector<replica_place>> shards;
  caf::io::middleman_actor middleman;                     // where any of them is in another process
  std::shared_ptr<std::vector<replica_figures>> figures;  // one a replica, through all shards
  const clock_source* clock = nullptr;                    // outlives the actor
  fan_out_times times = {};
  caf::timespan pause = std::chrono::milliseconds(5);
  std::uint64_t pauses_between_pings = 20;
};

struct router_state {
  static constexpr const char* name = "router";
  struct replica {
    replica_place place;
    shard_actor at;
    bool connecting = false;
  };
  struct open_request {
    routed_ptr of;
    std::shared_ptr<const std::string> bytes;  // of what the shards are asked
    std::vector<std::size_t> lists;            // of each query
  };
  router_parts parts;
  std::optional<fan_out> asked;
  std::vector<replica> replicas;
  std::unordered_map<fan_out::request_id, open_request> open;
  std::uint64_t looks = 0;
};

router_actor::behavior_type route(router_actor::stateful_pointer<router_state>, router_parts);

// The request that shards get. invalid_argument where its queries, of which a hybrid one is two, are more than a request may have.
result<wire_request> request_to_shards(const wire_request&, std::vector<std::size_t>& lists);
// The reply to it from what they answered.
wire_reply merge_replies(const wire_request&, std::span<const std::size_t> lists, const fan_out::outcome&);

}  // namespace argosy

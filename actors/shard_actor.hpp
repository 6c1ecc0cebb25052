// Shard actor: searches one store for routers, of this process or, behind CAF's middleman, of others (shard_server.hpp).
//   search (bytes) -> bytes    of a wire_request and its wire_reply (schema/search_wire.hpp), as the message endpoint answers them
//   ping   ()      -> number   of the generation: a sign of life
// Refusals   are answers within the reply: a shard that has too much to do is `busy`.
// Ordering   a reply comes as soon as all of its queries have answers, whatever else is asked.
// Failure    what is no request has a reply that says so.
#pragma once

#include <caf/fwd.hpp>
#include <caf/response_promise.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "actors/message_endpoint.hpp"
#include "actors/serving_messages.hpp"

namespace argosy {

using shard_actor =
    caf::typed_actor<caf::replies_to<search_atom, std::string>::with<std::string>, caf::replies_to<ping_atom>::with<std::uint64_t>,
                     caf::reacts_to<shard_reply_ptr>>;  // the last from itself alone: no other process can send it

struct shard_parts {
  std::function<void(std::span<const std::byte>, message_endpoint::reply_taker)> take;
  std::function<std::uint64_t()> generation;
};

struct shard_state {
  static constexpr const char* name = "shard";
  shard_parts parts;
  std::uint64_t last = 0;
  std::unordered_map<std::uint64_t, caf::response_promise> open;
};

shard_actor::behavior_type shard(shard_actor::stateful_pointer<shard_state>, shard_parts);

// Of a serving, which outlives the actor.
shard_parts shard_parts_of(serving&);

// A wire message as an actor's message carries it: CAF sends a string in one piece and a vector number by number.
std::string text_of(const wire_bytes&);
// `copy` is aligned, as FlatBuffers wants it.
std::span<const std::byte> bytes_of(const std::string& text, wire_bytes& copy);

}  // namespace argosy

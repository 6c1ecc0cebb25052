#include "actors/shard_actor.hpp"

#include <caf/actor_addr.hpp>
#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <utility>

namespace argosy {
namespace {

using pointer = shard_actor::stateful_pointer<shard_state>;

// The reply comes on another thread, and back to this actor as a message.
caf::result<std::string> search(pointer self, const std::string& text) {
  auto& state = self->state;
  const std::uint64_t number = ++state.last;
  const auto promise = state.open.emplace(number, self->make_response_promise()).first->second;
  wire_bytes copy;
  state.parts.take(bytes_of(text, copy), [address = self->address(), number](const wire_bytes& reply) {
    if (const auto me = caf::actor_cast<shard_actor>(address))
      caf::anon_send(me, std::make_shared<shard_reply>(shard_reply{number, text_of(reply)}));
  });
  return promise;
}

void told(pointer self, const shard_reply_ptr& reply) {
  const auto at = self->state.open.find(reply->number);
  if (at == self->state.open.end()) return;
  at->second.deliver(std::move(reply->bytes));
  self->state.open.erase(at);
}

}  // namespace

std::string text_of(const wire_bytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::span<const std::byte> bytes_of(const std::string& text, wire_bytes& copy) {
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  copy.assign(bytes, bytes + text.size());
  return copy;
}

shard_parts shard_parts_of(serving& of) {
  const auto endpoint = std::make_shared<message_endpoint>(of);
  return {.take = [endpoint](std::span<const std::byte> bytes, message_endpoint::reply_taker to) { endpoint->take(bytes, std::move(to)); },
          .generation = [&of] { return of.newest()->current().number(); }};
}

shard_actor::behavior_type shard(pointer self, shard_parts parts) {
  self->state.parts = std::move(parts);
  return {
      [self](search_atom, const std::string& request) { return search(self, request); },
      [self](ping_atom) { return self->state.parts.generation(); },
      [self](const shard_reply_ptr& reply) { told(self, reply); },
  };
}

}  // namespace argosy

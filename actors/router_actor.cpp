#include "actors/router_actor.hpp"

#include <algorithm>
#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <set>
#include <utility>

#include "actors/error.hpp"
#include "base/log.hpp"
#include "search/shard_merge.hpp"

namespace argosy {
namespace {

using pointer = router_actor::stateful_pointer<router_state>;

constexpr std::chrono::seconds patience_with_connection{5}, patience_with_ping{5};
constexpr std::chrono::milliseconds grace{200};  // of a reply that comes after its request's end: a sign of life all the same
constexpr double share_for_shards = 0.9;         // of the time that is left: the rest is the way back

std::uint32_t milliseconds_for_shards(steady_time deadline, steady_time now) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - now).count();
  return static_cast<std::uint32_t>(std::max<double>(1, share_for_shards * static_cast<double>(left)));
}

// One refusal of each query where there is no reply.
void tell(const routed_request& of, result<wire_reply> reply) {
  const status told = guarded([&]() -> status {
    if (!reply.ok()) reply = wire_reply{of.asked.id, std::vector<wire_answer>(of.asked.queries.size(), refusal_of(reply.failure()))};
    of.tell(std::move(*reply));
    return {};
  });
  if (!told.ok()) log::warning("a reply could not be told: " + told.text());
}

void settle(pointer self);

void take_reply(pointer self, fan_out::request_id id, std::size_t replica, const std::string& text) {
  auto& state = self->state;
  const steady_time now = state.parts.clock->now();
  wire_bytes copy;
  auto reply = decode_reply(bytes_of(text, copy));
  const auto at = state.open.find(id);
  if (at == state.open.end()) return state.asked->heard(replica, now);
  std::size_t wanted = 0;
  for (const std::size_t lists : at->second.lists) wanted += lists;
  if (reply.ok() && reply->answers.size() == 1 && reply->answers.front().code != wire_code::ok && wanted > 1)
    reply->answers.resize(wanted, wire_answer(reply->answers.front()));  // a refusal of all
  if (!reply.ok() || reply->answers.size() != wanted) {
    ++(*state.parts.figures)[replica].failed;
    state.asked->failed(id, replica, now);
  } else {
    state.asked->answered(id, replica, std::move(reply->answers), now);
  }
  settle(self);
}

void send_asks(pointer self) {
  auto& state = self->state;
  for (const fan_out::ask& one : state.asked->take_asks()) {
    const auto at = state.open.find(one.request);
    if (at == state.open.end()) continue;
    auto& figures = (*state.parts.figures)[one.replica];
    ++figures.asked;
    if (one.instead) ++figures.instead;
    const auto patience = at->second.of->deadline - state.parts.clock->now() + grace;
    self->request(state.replicas[one.replica].at, patience, search_atom_v, *at->second.bytes)
        .then([self, one](const std::string& reply) { take_reply(self, one.request, one.replica, reply); },
              [self, one](const caf::error&) {
                ++(*self->state.parts.figures)[one.replica].failed;
                self->state.asked->failed(one.request, one.replica, self->state.parts.clock->now());
                settle(self);
              });
  }
}

// Sends what is to be asked, and tells what has come to its end.
void settle(pointer self) {
  auto& state = self->state;
  send_asks(self);
  for (const fan_out::outcome& one : state.asked->take_outcomes()) {
    const auto at = state.open.find(one.request);
    if (at == state.open.end()) continue;
    const auto ended = std::move(at->second);
    state.open.erase(at);
    tell(*ended.of, guarded([&]() -> result<wire_reply> { return merge_replies(ended.of->asked, ended.lists, one); }));
  }
}

void take(pointer self, const routed_ptr& of) {
  auto& state = self->state;
  const steady_time now = state.parts.clock->now();
  std::vector<std::size_t> lists;
  auto request = request_to_shards(of->asked, lists);
  if (request.ok() && now >= of->deadline) request = status(errc::unavailable, "no answer was there in time");
  if (!request.ok()) return tell(*of, request.failure());
  request->deadline_ms = milliseconds_for_shards(of->deadline, now);
  const auto bytes = std::make_shared<const std::string>(text_of(encode(*request)));
  const auto id = state.asked->begin(of->deadline, now);
  state.open.emplace(id, router_state::open_request{of, bytes, std::move(lists)});
  settle(self);
}

void went_up(pointer self, std::size_t replica, shard_actor at) {
  auto& one = self->state.replicas[replica];
  one.at = std::move(at);
  self->state.asked->went_up(replica);
  self->monitor(one.at);
}

void went_down(pointer self, std::size_t replica) {
  auto& one = self->state.replicas[replica];
  log::warning("shard " + std::to_string(self->state.asked->shard_of(replica)) + ": " + one.place.name + " is gone");
  one.at = shard_actor();
  self->state.asked->went_down(replica, self->state.parts.clock->now());
  settle(self);
}

void connect(pointer self, std::size_t replica) {
  auto& one = self->state.replicas[replica];
  one.connecting = true;
  self->request(self->state.parts.middleman, patience_with_connection, caf::connect_atom_v, one.place.host, one.place.port)
      .then(
          [self, replica](const caf::node_id&, const caf::strong_actor_ptr& at, const std::set<std::string>& messages) {
            auto& to = self->state.replicas[replica];
            to.connecting = false;
            if (!at || !self->system().assignable(messages, self->system().message_types<shard_actor>())) {
              log::warning(to.place.name + ": want a shard of this version of Argosy, found something else");
              return;
            }
            went_up(self, replica, caf::actor_cast<shard_actor>(at));
          },
          [self, replica](const caf::error&) { self->state.replicas[replica].connecting = false; });
}

void ping(pointer self, std::size_t replica) {
  auto& state = self->state;
  state.asked->pinged(replica, state.parts.clock->now());
  self->request(state.replicas[replica].at, patience_with_ping, ping_atom_v)
      .then([self, replica](std::uint64_t) { self->state.asked->heard(replica, self->state.parts.clock->now()); },
            [](const caf::error&) {});
}

void look(pointer self) {
  auto& state = self->state;
  const steady_time now = state.parts.clock->now();
  state.asked->look(now);
  settle(self);
  const bool pings = state.looks++ % state.parts.pauses_between_pings == 0;
  for (std::size_t i = 0; i < state.replicas.size(); ++i) {
    const auto& one = state.replicas[i];
    (*state.parts.figures)[i].answers = state.asked->answers(i, now);
    if (!pings) continue;
    if (one.at) {
      ping(self, i);
    } else if (!one.connecting && !one.place.here) {
      connect(self, i);
    }
  }
  self->delayed_send(self, state.parts.pause, look_atom_v);
}

}  // namespace

result<wire_request> request_to_shards(const wire_request& asked, std::vector<std::size_t>& lists) {
  wire_request request;
  for (const wire_query& one : asked.queries) {
    const auto of_one = asked_of_shards(one);
    lists.push_back(of_one.size());
    request.queries.insert(request.queries.end(), of_one.begin(), of_one.end());
  }
  if (request.queries.size() > most_wire_queries)
    return status(errc::invalid_argument, "queries: want " + std::to_string(most_wire_queries) +
                                              " at most, of which a hybrid one is two, got " + std::to_string(request.queries.size()));
  ARGOSY_TRY(check_together(request));
  return request;
}

wire_reply merge_replies(const wire_request& asked, std::span<const std::size_t> lists, const fan_out::outcome& from) {
  wire_reply reply{asked.id, {}};
  std::size_t first = 0;
  for (std::size_t q = 0; q < asked.queries.size(); ++q) {
    std::vector<std::span<const wire_answer>> of_shards;
    for (const auto& answers : from.of_shards) {
      if (answers) of_shards.push_back(std::span(*answers).subspan(first, lists[q]));
    }
    reply.answers.push_back(merge_shards(asked.queries[q], of_shards, from.of_shards.size()));
    first += lists[q];
  }
  return reply;
}

router_actor::behavior_type route(pointer self, router_parts parts) {
  auto& state = self->state;
  state.parts = std::move(parts);
  std::vector<std::size_t> counts;
  for (const auto& shard : state.parts.shards) {
    counts.push_back(shard.size());
    for (const replica_place& place : shard) state.replicas.push_back({place, {}});
  }
  state.asked.emplace(counts, state.parts.times);
  for (std::size_t i = 0; i < state.replicas.size(); ++i) {
    if (state.replicas[i].place.here) went_up(self, i, state.replicas[i].place.here);
  }
  self->set_down_handler([self](const caf::down_msg& gone) {
    for (std::size_t i = 0; i < self->state.replicas.size(); ++i) {
      if (self->state.replicas[i].at.address() == gone.source) went_down(self, i);
    }
  });
  self->send(self, look_atom_v);
  return {
      [self](route_atom, const routed_ptr& of) { take(self, of); },
      [self](look_atom) { look(self); },
  };
}

}  // namespace argosy

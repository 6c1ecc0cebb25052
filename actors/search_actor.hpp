// Search actor: the life of a query, from the queue to whoever asked.
//   switch (searcher)  answers from it from the next batch on; the one before goes once its last answer has gone
//   switch (mark)      the same for another moment of the generation that it has: the model stays
//   drain  ()          answers what waits, a batch at a time, until nothing does
// A question is answered by the pair table where that knows it, else by the index: what is left of a batch is embedded together.
// Refusals   to whoever asked: unavailable after its deadline, else what the search says of it.
// Ordering   the oldest question first; a switch comes between two batches.
// Blocking   computes: spawn it detached.
// Failure    an exception is the answer to the question, or to all that were embedded together.
#pragma once

#include <caf/fwd.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <memory>
#include <vector>

#include "actors/question_queue.hpp"
#include "actors/serving_messages.hpp"

namespace argosy {

using search_actor =
    caf::typed_actor<caf::reacts_to<switch_atom, searcher_ptr>, caf::reacts_to<switch_atom, mark_ptr>, caf::reacts_to<drain_atom>>;

struct search_parts {
  std::shared_ptr<question_queue> questions;
  searcher_ptr from;
  const clock_source* clock = nullptr;  // outlives the actor
  std::size_t batch = 64;               // ours: live queries embedded together; more would keep the first of them waiting
};

struct search_state {
  static constexpr const char* name = "search";
  search_parts parts;
};

search_actor::behavior_type search(search_actor::stateful_pointer<search_state>, search_parts);

// What the actor does with a batch: every question is told once.
void answer_questions(std::vector<question>, const searcher_ptr& from, steady_time now);

}  // namespace argosy

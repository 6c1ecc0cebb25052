// Change actor: the one writer of the store in this process.
//   drain  ()                       makes the changes that wait, as many as there are together, until there are none. They are told once
//                                   they are on the disk and the search actors answer from them
//   look   ()                       goes on to a generation that became current, and so lets go of the one before; again after `pause`
//   mark   () -> mark               the newest moment, which compaction begins with
//   switch (compacted) -> number    goes on to what compaction made of such a moment, which is current then; answered once the search
//                                   actors answer from it
// Refusals   to whoever asked, each change alone (search/product_writer.hpp). `unavailable` to the last two.
// Ordering   the oldest first. What waits meanwhile is the next group: the disk is waited for once for all of it.
// Blocking   computes and waits for the disk: spawn it detached.
// Failure    an exception is the answer to all of the group. Where the catalogue actor does not answer, who asked is told all the same.
#pragma once

#include <caf/fwd.hpp>
#include <caf/timespan.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "actors/catalogue_actor.hpp"
#include "actors/change_queue.hpp"

namespace argosy {

using change_actor = caf::typed_actor<caf::reacts_to<drain_atom>, caf::reacts_to<look_atom>, caf::replies_to<mark_atom>::with<mark_ptr>,
                                      caf::replies_to<switch_atom, compacted_ptr>::with<std::uint64_t>>;

struct change_parts {
  std::shared_ptr<change_queue> requests;
  std::shared_ptr<product_writer> writer;
  catalogue_actor catalogue;
  std::size_t batch = 256;  // ours: requests made together
  caf::timespan pause = std::chrono::seconds(1);
  bool yields = false;  // its thread, which it has alone then, lets those of searches go first
};

struct change_state {
  static constexpr const char* name = "changes";
  change_parts parts;
  std::string refused;  // why nothing can be written: told once
};

change_actor::behavior_type changes(change_actor::stateful_pointer<change_state>, change_parts);

// What the actor does with a group: the answers to each request.
std::vector<std::vector<change_answer>> make_changes(std::span<const change_request>, product_writer&);

}  // namespace argosy

// Catalogue actor: which state of the store is answered from. Looks at the store every `pause`; where a generation was published or a
// product changed it opens the store anew, once for each search actor, while those go on answering, and hands it over.
//   look  ()   looks once, and again after `pause`, or twenty of them while the store cannot be opened
// Failure    a store that cannot be opened is told to the log, and looked at again; what was open goes on answering.
// Blocking   opens files: spawn it detached.
#pragma once

#include <caf/fwd.hpp>
#include <caf/timespan.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <string>
#include <vector>

#include "actors/search_actor.hpp"

namespace argosy {

using catalogue_actor = caf::typed_actor<caf::reacts_to<look_atom>>;

struct catalogue_parts {
  std::function<result<std::string>()> state;  // what tells one state of the store from another
  std::function<result<searcher_ptr>()> open;  // the store as it is
  std::string opened;                          // the state that the search actors have
  std::vector<search_actor> searches;
  std::function<void(const searcher_ptr&)> switched;  // after each switch, with one of those that were handed over
  caf::timespan pause = std::chrono::milliseconds(100);
};

struct catalogue_state {
  static constexpr const char* name = "catalogue";
  catalogue_parts parts;
  std::string refused;  // the state that could not be opened: told once
};

catalogue_actor::behavior_type catalogue(catalogue_actor::stateful_pointer<catalogue_state>, catalogue_parts);

}  // namespace argosy

// Catalogue actor: which state of the store is answered from. Looks at the store every `pause`. Where products changed it reads what is
// new, and the search actors go on to this moment with the model they have; where another generation became current it opens that anew,
// once for each search actor, while those go on answering, and hands it over.
//   look   ()                 looks once, and again after `pause`, or twenty of them while the store cannot be opened
//   switch (mark) -> number   what the writer in this process changed; answered once every search actor answers from it, with the number of
//                             the generation. A mark of another generation than that makes it look at the store instead
// Ordering   a message at a time: a search actor never goes back to an older moment.
// Failure    a store that cannot be opened is told to the log, and looked at again; what was open goes on answering.
// Blocking   opens files: spawn it detached.
#pragma once

#include <caf/fwd.hpp>
#include <caf/timespan.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "actors/search_actor.hpp"

namespace argosy {

using catalogue_actor = caf::typed_actor<caf::reacts_to<look_atom>, caf::replies_to<switch_atom, mark_ptr>::with<std::uint64_t>>;

struct catalogue_parts {
  std::function<result<std::string>()> state;                         // what tells one state of the store from another
  std::function<result<live_mark>(const live_mark& before)> read_on;  // the store as it is
  std::function<result<searcher_ptr>(const live_generation&)> open;   // with a model
  std::string opened;                                                 // the state that the search actors have
  mark_ptr from;                                                      // its moment
  std::vector<search_actor> searches;
  std::function<void(const searcher_ptr&)> opened_anew;  // after a switch to another generation, with one of those handed over
  std::function<void(const live_generation&)> changed;   // after a switch to another moment
  caf::timespan pause = std::chrono::milliseconds(100);
};

struct catalogue_state {
  static constexpr const char* name = "catalogue";
  catalogue_parts parts;
  std::string refused;  // the state that could not be opened: told once
};

catalogue_actor::behavior_type catalogue(catalogue_actor::stateful_pointer<catalogue_state>, catalogue_parts);

}  // namespace argosy

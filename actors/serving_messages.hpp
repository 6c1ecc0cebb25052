// The messages of serving, all local; those of training are in actors/messages.hpp. How to add one: docs/adding-actors.md.
#pragma once

#include <caf/atom.hpp>
#include <caf/type_id.hpp>
#include <memory>

#include "actors/messages.hpp"
#include "index/live_store.hpp"
#include "search/searcher.hpp"

namespace argosy {

// A store opened for one search actor, which becomes its owner.
using searcher_ptr = std::shared_ptr<searcher>;
// A newer moment of the same generation, for all of them.
using mark_ptr = std::shared_ptr<const live_mark>;

}  // namespace argosy

CAF_BEGIN_TYPE_ID_BLOCK(argosy_serving, caf::id_block::argosy::end)
CAF_ADD_ATOM(argosy_serving, argosy, drain_atom, "drain")
CAF_ADD_ATOM(argosy_serving, argosy, switch_atom, "switch")
CAF_ADD_ATOM(argosy_serving, argosy, look_atom, "look")
CAF_END_TYPE_ID_BLOCK(argosy_serving)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(argosy::searcher_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(argosy::mark_ptr)

// The messages of serving, all local but those of the shard actor (strings, and numbers); those of training are in actors/messages.hpp. How to add one: docs/adding-actors.md.
#pragma once

#include <caf/atom.hpp>
#include <caf/type_id.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "actors/compaction_watch.hpp"
#include "actors/messages.hpp"
#include "index/live_store.hpp"
#include "search/searcher.hpp"

namespace argosy {

// A store opened for one search actor, which becomes its owner.
using searcher_ptr = std::shared_ptr<searcher>;
// A newer moment of the same generation, for all of them.
using mark_ptr = std::shared_ptr<const live_mark>;
// A shard's own reply on its way to who asked.
struct shard_reply {
  std::uint64_t number;
  std::string bytes;
};
using shard_reply_ptr = std::shared_ptr<shard_reply>;
// A client's request on its way to all shards.
struct routed_request;
using routed_ptr = std::shared_ptr<routed_request>;
// A generation on its way from who made it to who goes on to it.
class compacted_generation;
using compacted_ptr = std::shared_ptr<compacted_generation>;
// Who asked for a compaction.
using compaction_call_ptr = std::shared_ptr<tell_compaction>;

}  // namespace argosy

CAF_BEGIN_TYPE_ID_BLOCK(argosy_serving, caf::id_block::argosy::end)
CAF_ADD_ATOM(argosy_serving, argosy, drain_atom, "drain")
CAF_ADD_ATOM(argosy_serving, argosy, switch_atom, "switch")
CAF_ADD_ATOM(argosy_serving, argosy, look_atom, "look")
CAF_ADD_ATOM(argosy_serving, argosy, search_atom, "search")
CAF_ADD_ATOM(argosy_serving, argosy, ping_atom, "ping")
CAF_ADD_ATOM(argosy_serving, argosy, route_atom, "route")
CAF_ADD_ATOM(argosy_serving, argosy, mark_atom, "mark")
CAF_ADD_ATOM(argosy_serving, argosy, compact_atom, "compact")
CAF_ADD_ATOM(argosy_serving, argosy, catchup_atom, "catchup")
CAF_ADD_ATOM(argosy_serving, argosy, prune_atom, "prune")
CAF_END_TYPE_ID_BLOCK(argosy_serving)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(argosy::searcher_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(argosy::mark_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(argosy::shard_reply_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(argosy::routed_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(argosy::compacted_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(argosy::compaction_call_ptr)

// One answer of those of a catalogue's shards, each a store with some of its products (`argosy publish --shard`).
//   semantic, lexical   by score, of equal scores the smaller id first. Those of embeddings are what one store would have; BM25 weighs a word by
//                       how many of the shard's own products have it.
//   hybrid              asked as two lists, which are fused here as a store fuses its own (index/fusion.hpp)
//   names               a shard without a product of a name drops it: what it answers stands behind the products of shards that kept more names
//   models              scores of different models say nothing of each other: answers by the model that most have are merged, the others count
//                       as not there. So are refusals, but invalid ones beside answers: a field that the filter names may be unknown to a shard
// A product that two shards answer is there once.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "schema/search_wire.hpp"

namespace argosy {

// What each shard is asked: the query, or both lists of a hybrid one.
std::vector<wire_query> asked_of_shards(const wire_query&);

// `of_shards`: of each shard that answered, its answers to asked_of_shards(asked), in order. `shards`: that were asked. No answer at all is unavailable.
wire_answer merge_shards(const wire_query& asked, std::span<const std::span<const wire_answer>> of_shards, std::size_t shards);

}  // namespace argosy

// A model of a few thousand weights and batches made of arithmetic, for tests that need every part and no data.
#pragma once

#include <cstdint>

#include "data/batch.hpp"
#include "model/recipe.hpp"
#include "model/retrieval_model.hpp"

namespace argosy::test {

recipe tiny_recipe();  // matching alone
recipe with_every_task(recipe);
model_inputs tiny_inputs();

// `pairs` pairs from `first` on. Some products lack a title, some an image, some repeat; some queries know further positives.
// `whole`: every product has both.
batch tiny_batch(std::uint64_t step, std::uint64_t first, std::uint64_t pairs, bool whole = false);

// A second query for every third pair.
void add_further_queries(batch&);

}  // namespace argosy::test

// A model of a few hundred numbers and batches made from nothing but a step: small enough that a run takes milliseconds.
#pragma once

#include "actors/training_engine.hpp"
#include "data/batch.hpp"
#include "model/recipe.hpp"
#include "model/retrieval_model.hpp"

namespace argosy::test {

constexpr std::uint64_t tiny_batch_size = 6;

recipe tiny_recipe(int workers);
model_inputs tiny_inputs();
checkpoint_facts tiny_facts(const recipe&);

// Rows of the global batch of `step` that belong to the share. Products repeat within a batch and over steps, some lack title or image,
// some queries know further products: every mask has work to do.
batch tiny_batch(std::uint64_t step, const batch_share&);
// The same, but every product of the run is another one: nothing is masked.
batch distinct_batch(std::uint64_t step, const batch_share&);

}  // namespace argosy::test

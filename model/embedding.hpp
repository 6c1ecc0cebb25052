// Embedding many products or queries at once: packed batches through a model, whose device uses its threads.
// Letters   N products or queries, P columns of an embedding.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/status.hpp"
#include "data/prepared.hpp"
#include "model/retrieval_model.hpp"

namespace argosy {

using embedding_progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

// Products [0, count) of the data: (count, P), row-major. aborted when stopped. `image_weights` (count): what the image weighs beside the
// title, by modal adaptation; null: nobody asks.
result<std::vector<float>> embed_products(retrieval_model&, const prepared_data&, std::uint64_t count, const embedding_progress&,
                                          const std::stop_token&, std::vector<float>* image_weights = nullptr);
// (N, P), row-major.
result<std::vector<float>> embed_queries(retrieval_model&, std::span<const std::vector<std::int32_t>> tokens, const std::stop_token&);

}  // namespace argosy

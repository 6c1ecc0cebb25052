// A store opened for answering: its current generation, what has changed since it was published, and the model that made it. Queries become
// sorted words, pieces, embeddings, hits.
// Opening verifies what it reads: the model, facts and dictionaries; searches verify the rest by block as they first touch it.
// A searcher is of one moment; at() makes that of another, which costs nothing: both have one model.
// Threads   one; live() and current() may be read by others meanwhile.
// Errors    of the store; invalid_argument for a query without words or with invalid UTF-8.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "index/generation.hpp"
#include "index/live_generation.hpp"
#include "index/pair_table.hpp"
#include "model/checkpoint.hpp"
#include "model/query_encoder.hpp"

namespace argosy {

class searcher {
public:
  // `threads` 0: all cores. `arithmetic`: of the query tower.
  static result<searcher> open(const std::filesystem::path& store, int threads, compute arithmetic = compute::float32);
  static result<searcher> open(live_generation, int threads, compute arithmetic = compute::float32);
  // This one at another moment of its generation. They share the model: one of them embeds at a time.
  // REQUIRES the same generation.
  searcher at(live_generation) const;

  // As they stand in the query.
  result<std::vector<std::string>> words(std::string_view query) const { return encoder().words(query); }
  // [CLS] and the pieces of the query's sorted words.
  result<std::vector<std::int32_t>> tokens(std::string_view query) const { return encoder().tokens(query); }

  // What the generation's pair table keeps for the query, best first, as it was published: live().row_now() tells where a product is now.
  // None when the query is not among its queries.
  result<std::optional<std::vector<hit>>> known(std::string_view query) const;
  std::size_t most_known() const noexcept { return of_->pairs.k(); }  // of one query; 0: there is no pair table

  const query_encoder& encoder() const noexcept { return of_->encoder; }
  // (queries, columns of the index), a row each.
  result<std::vector<float>> embed(std::span<const std::vector<std::int32_t>> queries);
  int threads() const noexcept { return threads_; }
  // Of the bytes of its model: what two searchers score is comparable where they have the same.
  std::uint64_t model_sum() const noexcept { return of_->model_sum; }
  const generation& current() const noexcept { return live_.published(); }
  const live_generation& live() const noexcept { return live_; }

private:
  // What does not change with a product.
  struct of_generation {
    std::unique_ptr<device> on;
    pair_table pairs;
    loaded_model loaded;
    query_encoder encoder;
    std::uint64_t model_sum;
  };
  searcher(std::shared_ptr<of_generation>, live_generation, int threads);
  std::shared_ptr<of_generation> of_;
  live_generation live_;
  int threads_;
};

// `threads`, or all cores for 0.
int threads_or_all(int threads) noexcept;

}  // namespace argosy

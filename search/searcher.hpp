// A store opened for answering: its current generation, what has changed since it was published, and the model that made it. Queries become
// sorted words, pieces, embeddings, hits.
// Opening verifies what it reads: the model, facts and dictionaries; searches verify the rest by block as they first touch it.
// Threads   one; live() and current() may be read by others meanwhile. Errors   of the store; invalid_argument for a query without words or with invalid UTF-8.
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

  // As they stand in the query.
  result<std::vector<std::string>> words(std::string_view query) const { return encoder_.words(query); }
  // [CLS] and the pieces of the query's sorted words.
  result<std::vector<std::int32_t>> tokens(std::string_view query) const { return encoder_.tokens(query); }

  // What the generation's pair table keeps for the query, best first; none when it is not among its queries. A product that was
  // replaced since has the place of the old one, one that was removed is left out; one that was added is not among them.
  result<std::optional<std::vector<hit>>> known(std::string_view query) const;
  std::size_t most_known() const noexcept { return pairs_.k(); }  // of one query; 0: there is no pair table

  const query_encoder& encoder() const noexcept { return encoder_; }
  // (queries, columns of the index), a row each.
  result<std::vector<float>> embed(std::span<const std::vector<std::int32_t>> queries);
  int threads() const noexcept { return threads_; }
  const generation& current() const noexcept { return live_.published(); }
  const live_generation& live() const noexcept { return live_; }

private:
  searcher(std::unique_ptr<device>, live_generation, pair_table, loaded_model, query_encoder, int threads);
  std::unique_ptr<device> device_;
  live_generation live_;
  pair_table pairs_;
  loaded_model loaded_;
  query_encoder encoder_;
  int threads_;
};

// `threads`, or all cores for 0.
int threads_or_all(int threads) noexcept;

}  // namespace argosy

#include "search/searcher.hpp"

#include <algorithm>
#include <thread>

#include "index/live_store.hpp"
#include "model/embedding.hpp"
#include "schema/folder.hpp"
#include "search/terms_of.hpp"

namespace argosy {

int threads_or_all(int threads) noexcept {
  return threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

searcher::searcher(std::unique_ptr<device> on, live_generation live, pair_table pairs, loaded_model loaded, query_encoder encoder,
                   int threads)
    : device_(std::move(on)),
      live_(std::move(live)),
      pairs_(std::move(pairs)),
      loaded_(std::move(loaded)),
      encoder_(std::move(encoder)),
      threads_(threads) {}

result<searcher> searcher::open(const std::filesystem::path& store, int threads, compute arithmetic) {
  ARGOSY_ASSIGN(live_generation live, open_live(store, rules_of));
  const generation& current = live.published();
  for (const std::string_view file : model_files()) ARGOSY_TRY(verify_file(current.folder(), file));
  ARGOSY_ASSIGN(pair_table pairs, pair_table::open(current));
  auto device = make_cpu_device(threads, arithmetic);
  ARGOSY_ASSIGN(loaded_model loaded, load_model(*device, current.path()));
  if (current.index().columns() != static_cast<std::size_t>(loaded.model.width())) {
    return status(errc::shape_mismatch, current.path().string() + ": the model's embeddings have " + std::to_string(loaded.model.width()) +
                                            " columns, the index has " + std::to_string(current.index().columns()));
  }
  ARGOSY_ASSIGN(query_encoder encoder, query_encoder::open(loaded.facts, current.path()));
  return searcher(std::move(device), std::move(live), std::move(pairs), std::move(loaded), std::move(encoder), threads_or_all(threads));
}

result<std::vector<float>> searcher::embed(std::span<const std::vector<std::int32_t>> queries) {
  return embed_queries(loaded_.model, queries, {});
}

result<std::optional<std::vector<hit>>> searcher::known(std::string_view query) const {
  if (pairs_.empty()) return std::optional<std::vector<hit>>();
  ARGOSY_ASSIGN(const encoded_query encoded, encoder_.encode(query));
  std::vector<hit> hits;
  ARGOSY_ASSIGN(const bool there, pairs_.find({encoded.id.qid, encoded.id.check}, pairs_.k(), hits));
  if (!there) return std::optional<std::vector<hit>>();
  if (live_.gone() == 0) return std::optional(std::move(hits));
  std::vector<hit> now;
  for (const hit& one : hits) {
    if (const auto row = live_.row_now(one.row)) now.push_back({*row, one.score});
  }
  return std::optional(std::move(now));
}

}  // namespace argosy

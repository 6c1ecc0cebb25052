#include "search/searcher.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/check.hpp"
#include "index/live_store.hpp"
#include "model/embedding.hpp"
#include "schema/folder.hpp"
#include "search/terms_of.hpp"

namespace argosy {

int threads_or_all(int threads) noexcept {
  return threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

namespace {

std::uint64_t sum_of_model(const sealed_folder& folder) {
  std::string sums;
  for (const std::string_view wanted : model_files()) {
    for (const folder_file& file : folder.files) sums += file.name == wanted ? hex_text(file.xxh3) : std::string();
  }
  return xxh3(std::as_bytes(std::span(sums)));
}

}  // namespace

searcher::searcher(std::shared_ptr<of_generation> of, live_generation live, int threads)
    : of_(std::move(of)), live_(std::move(live)), threads_(threads) {}

result<searcher> searcher::open(const std::filesystem::path& store, int threads, compute arithmetic) {
  ARGOSY_ASSIGN(live_generation live, open_live(store, rules_of));
  return open(std::move(live), threads, arithmetic);
}

result<searcher> searcher::open(live_generation live, int threads, compute arithmetic) {
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
  auto of = std::make_shared<of_generation>(
      of_generation{std::move(device), std::move(pairs), std::move(loaded), std::move(encoder), sum_of_model(current.folder())});
  return searcher(std::move(of), std::move(live), threads_or_all(threads));
}

searcher searcher::at(live_generation moment) const {
  ARGOSY_CHECK(moment.published().number() == current().number());
  return {of_, std::move(moment), threads_};
}

result<std::vector<float>> searcher::embed(std::span<const std::vector<std::int32_t>> queries) {
  return embed_queries(of_->loaded.model, queries, {});
}

result<std::optional<std::vector<hit>>> searcher::known(std::string_view query) const {
  if (of_->pairs.empty()) return std::optional<std::vector<hit>>();
  ARGOSY_ASSIGN(const encoded_query encoded, encoder().encode(query));
  std::vector<hit> hits;
  ARGOSY_ASSIGN(const bool there, of_->pairs.find({encoded.id.qid, encoded.id.check}, of_->pairs.k(), hits));
  if (!there) return std::optional<std::vector<hit>>();
  return std::optional(std::move(hits));
}

}  // namespace argosy

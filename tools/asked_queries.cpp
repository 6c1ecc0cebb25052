#include "tools/asked_queries.hpp"

#include "data/records.hpp"
#include "index/query_sample.hpp"

namespace argosy {

result<std::vector<float>> asked_queries(searcher& from, const std::filesystem::path& file) {
  if (file.empty()) {
    auto kept = read_query_sample(from.current().path(), from.current().index().columns());
    if (kept.ok() || kept.failure().code() != errc::not_found) return kept;
    return status(errc::not_found, from.current().path().string() +
                                       ": keeps no queries, as it was published from a catalogue alone: name some by --queries");
  }
  std::vector<std::vector<std::int32_t>> tokens;
  bool has_needs_image = false;
  const auto take = [&](std::uint64_t, const query_record& record) {
    auto encoded = from.tokens(record.query);
    if (encoded.ok()) tokens.push_back(std::move(*encoded));
    return encoded.ok() || encoded.failure().code() == errc::invalid_argument ? status{} : encoded.failure();
  };
  ARGOSY_TRY(read_queries(file, &has_needs_image, take, [](const refusal&) {}));
  if (tokens.empty()) return status(errc::invalid_argument, file.string() + ": want at least one query with words, found none");
  return from.embed(tokens);
}

}  // namespace argosy

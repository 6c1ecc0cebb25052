#include "data/judgements.hpp"

#include <span>
#include <unordered_map>

#include "data/records.hpp"
#include "schema/folder.hpp"

namespace argosy {

result<judgements> read_judgements(const std::filesystem::path& queries, const std::filesystem::path& qrels) {
  judgements judged;
  std::unordered_map<std::string, std::size_t> place;
  const auto count_refused = [&](const refusal&) { ++judged.refused_lines; };

  const auto take_query = [&](std::uint64_t line, query_record record) -> status {
    if (!place.emplace(record.query_id, judged.queries.size()).second) {
      return {errc::invalid_argument,
              queries.string() + " line " + std::to_string(line) + ": query_id " + record.query_id + " is there twice"};
    }
    judged.queries.push_back({std::move(record.query), record.needs_image, {}});
    return {};
  };
  const auto take_qrel = [&](std::uint64_t, qrel_record record) -> status {
    const auto found = place.find(record.query_id);
    if (found == place.end()) {
      ++judged.unknown_queries;
    } else if (record.grade > 0) {
      judged.queries[found->second].relevant.push_back(std::move(record.product_id));
    }
    return {};
  };
  ARGOSY_TRY(read_queries(queries, &judged.has_needs_image, take_query, count_refused));
  if (judged.queries.empty()) return status(errc::invalid_argument, queries.string() + ": want at least one query, got none");
  ARGOSY_TRY(read_qrels(qrels, take_qrel, count_refused));
  return judged;
}

std::uint64_t judgements::fingerprint() const {
  std::string all;
  for (const auto& query : queries) {
    all += query.text + '\n' + (query.needs_image ? "image\n" : "\n");
    for (const auto& id : query.relevant) all += id + '\t';
    all += '\n';
  }
  return xxh3(std::as_bytes(std::span(all)));
}

}  // namespace argosy

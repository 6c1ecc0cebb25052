#include "tools/pairs_queries.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>
#include <string>
#include <unordered_map>

#include "data/records.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

constexpr file_kind spool_kind = {"pairs-spool", 1}, queries_kind = {"pairs-queries", 1};
constexpr std::size_t remembered_texts = std::size_t{1} << 18;
constexpr std::size_t spool_buffer = std::size_t{1} << 16;

fs::path spool_path(const fs::path& folder, std::uint32_t shard) { return folder / ("spool-" + std::to_string(shard) + ".argosy"); }
fs::path queries_path(const fs::path& folder, std::uint32_t shard) { return folder / ("queries-" + std::to_string(shard) + ".argosy"); }

struct hash_key {
  std::size_t operator()(const pair_key& key) const noexcept { return key.check ^ key.qid; }
};

// A record: qid, number of tokens, low and high half of the check, of the count, tokens; u32 each.
constexpr std::size_t record_head = 6;

class spool {
public:
  static result<spool> create(const fs::path& path) {
    ARGOSY_ASSIGN(auto file, container_writer::create(path, spool_kind));
    ARGOSY_TRY(file.begin("record", element::u32));
    return spool(std::move(file));
  }
  status add(pair_key key, std::uint64_t count, std::span<const std::int32_t> tokens) {
    const auto low = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
    held_.insert(held_.end(), {key.qid, low(tokens.size()), low(key.check), low(key.check >> 32), low(count), low(count >> 32)});
    held_.insert(held_.end(), tokens.begin(), tokens.end());
    return held_.size() < spool_buffer ? status{} : flush();
  }
  status finish() {
    ARGOSY_TRY(flush());
    return file_.finish();
  }

private:
  explicit spool(container_writer file) : file_(std::move(file)) {}
  status flush() {
    ARGOSY_TRY(file_.append(std::span<const std::uint32_t>(held_)));
    held_.clear();
    return {};
  }
  container_writer file_;
  std::vector<std::uint32_t> held_;
};

// Reads the log. A shopper's text comes again and again, and splitting it costs far more than finding it.
class log_collector {
public:
  log_collector(const query_encoder& encoder, std::vector<spool> spools, const log_progress& show, const std::stop_token& stop)
      : encoder_(&encoder), spools_(std::move(spools)), show_(&show), stop_(&stop) {}

  status take(const std::string& query) {
    ARGOSY_TRY(next_line());
    auto found = texts_.find(query);
    if (found == texts_.end()) {
      if (texts_.size() == remembered_texts) ARGOSY_TRY(flush());
      ARGOSY_ASSIGN(text_facts facts, facts_of(query));
      found = texts_.emplace(query, std::move(facts)).first;
    }
    ++found->second.count;
    totals_.without_words += found->second.tokens.empty() ? 1 : 0;
    return {};
  }
  status refuse() {
    ++totals_.refused;
    return next_line();
  }
  result<log_totals> finish() {
    ARGOSY_TRY(flush());
    for (auto& one : spools_) ARGOSY_TRY(one.finish());
    return totals_;
  }

private:
  struct text_facts {
    pair_key key;
    std::vector<std::int32_t> tokens;  // none: no query
    std::uint64_t count = 0;
  };

  status next_line() {
    if (stop_->stop_requested()) return {errc::aborted, "reading the log was interrupted"};
    (*show_)(++totals_.lines);
    return {};
  }
  result<text_facts> facts_of(const std::string& query) const {
    auto encoded = encoder_->encode(query);
    if (encoded.ok()) return text_facts{{encoded->id.qid, encoded->id.check}, std::move(encoded->tokens)};
    if (encoded.failure().code() == errc::invalid_argument) return text_facts{};
    return encoded.failure();
  }
  status flush() {
    for (const auto& [text, facts] : texts_) {
      if (facts.tokens.empty()) continue;
      auto& to = spools_[shard_of(facts.key.qid, static_cast<std::uint32_t>(spools_.size()))];
      ARGOSY_TRY(to.add(facts.key, facts.count, facts.tokens));
    }
    texts_.clear();
    return {};
  }

  const query_encoder* encoder_;
  std::vector<spool> spools_;
  const log_progress* show_;
  const std::stop_token* stop_;
  std::unordered_map<std::string, text_facts> texts_;
  log_totals totals_;
};

struct unique_query {
  pair_key key;
  std::uint64_t count = 0;
  std::span<const std::uint32_t> tokens;
};

// Each key once, rising; its counts added up.
result<std::vector<unique_query>> unique_queries(const fs::path& path, std::span<const std::uint32_t> records) {
  std::unordered_map<pair_key, std::size_t, hash_key> place;
  std::vector<unique_query> unique;
  for (std::size_t at = 0; at < records.size();) {
    const auto head = records.subspan(at, std::min(record_head, records.size() - at));
    if (head.size() < record_head || head[1] > records.size() - at - record_head)
      return status(errc::corrupt, path.string() + ": section record: a record ends behind it");
    const auto wide = [&](std::size_t low) { return head[low] | std::uint64_t{head[low + 1]} << 32; };
    const auto [found, fresh] = place.emplace(pair_key{head[0], wide(2)}, unique.size());
    if (fresh) unique.push_back({found->first, 0, records.subspan(at + record_head, head[1])});
    unique[found->second].count += wide(4);
    at += record_head + head[1];
  }
  std::sort(unique.begin(), unique.end(), [](const unique_query& a, const unique_query& b) { return a.key < b.key; });
  return unique;
}

template <class T, class Get>
status add_column(container_writer& to, std::string_view name, const std::vector<unique_query>& queries, Get get) {
  std::vector<T> column;
  column.reserve(queries.size());
  for (const auto& query : queries) column.push_back(get(query));
  return to.add(name, std::span<const T>(column));
}

status sort_shard(const fs::path& folder, std::uint32_t shard) {
  const fs::path spooled = spool_path(folder, shard);
  {
    ARGOSY_ASSIGN(const auto file, container_reader::open(spooled, spool_kind));
    ARGOSY_ASSIGN(const auto records, file.section<std::uint32_t>("record"));
    ARGOSY_ASSIGN(const auto queries, unique_queries(spooled, records));
    ARGOSY_ASSIGN(auto to, container_writer::create(queries_path(folder, shard), queries_kind));
    ARGOSY_TRY(add_column<std::uint32_t>(to, "qid", queries, [](const auto& query) { return query.key.qid; }));
    ARGOSY_TRY(add_column<std::uint64_t>(to, "check", queries, [](const auto& query) { return query.key.check; }));
    ARGOSY_TRY(add_column<std::uint64_t>(to, "count", queries, [](const auto& query) { return query.count; }));
    std::vector<std::uint64_t> offsets = {0};
    for (const auto& query : queries) offsets.push_back(offsets.back() + query.tokens.size());
    ARGOSY_TRY(to.add("token_offset", std::span<const std::uint64_t>(offsets)));
    ARGOSY_TRY(to.begin("token", element::i32));
    for (const auto& query : queries) ARGOSY_TRY(to.append(std::as_bytes(query.tokens)));
    ARGOSY_TRY(to.finish());
  }
  std::error_code ignored;
  fs::remove(spooled, ignored);
  return {};
}

}  // namespace

result<log_totals> collect_queries(const fs::path& log, const query_encoder& encoder, std::uint32_t shards, const fs::path& folder,
                                   const log_progress& show, const std::stop_token& stop) {
  std::vector<spool> spools;
  for (std::uint32_t s = 0; s < shards; ++s) {
    ARGOSY_ASSIGN(auto one, spool::create(spool_path(folder, s)));
    spools.push_back(std::move(one));
  }
  log_collector collector(encoder, std::move(spools), show, stop);
  status stopped;
  ARGOSY_TRY(read_log(
      log, [&](std::uint64_t, const log_record& record) { return stopped.ok() ? collector.take(record.query) : stopped; },
      [&](const refusal&) { stopped = stopped.ok() ? collector.refuse() : stopped; }));
  ARGOSY_TRY(stopped);
  ARGOSY_ASSIGN(const log_totals totals, collector.finish());
  for (std::uint32_t s = 0; s < shards; ++s) {
    if (stop.stop_requested()) return status(errc::aborted, "sorting the queries was interrupted");
    ARGOSY_TRY(sort_shard(folder, s));
  }
  return totals;
}

result<shard_queries> shard_queries::open(const fs::path& folder, std::uint32_t shard) {
  const fs::path path = queries_path(folder, shard);
  ARGOSY_ASSIGN(auto file, container_reader::open(path, queries_kind));
  shard_queries opened(std::move(file));
  ARGOSY_ASSIGN(opened.qid_, opened.file_.section<std::uint32_t>("qid"));
  ARGOSY_ASSIGN(opened.check_, opened.file_.section<std::uint64_t>("check"));
  ARGOSY_ASSIGN(opened.count_, opened.file_.section<std::uint64_t>("count"));
  ARGOSY_ASSIGN(opened.offset_, opened.file_.section<std::uint64_t>("token_offset"));
  ARGOSY_ASSIGN(opened.token_, opened.file_.section<std::int32_t>("token"));
  const std::size_t queries = opened.check_.size();
  const auto& offset = opened.offset_;
  const bool right = opened.qid_.size() == queries && opened.count_.size() == queries && offset.size() == queries + 1 &&
                     offset.front() == 0 && offset.back() == opened.token_.size() && std::is_sorted(offset.begin(), offset.end());
  if (!right) return status(errc::corrupt, path.string() + ": its sections are not of the same number of queries");
  return opened;
}

result<most_frequent> most_frequent::of(const fs::path& folder, std::uint32_t shards, std::uint64_t limit) {
  std::map<std::uint64_t, std::uint64_t, std::greater<>> queries_of_count;
  most_frequent chosen;
  for (std::uint32_t s = 0; s < shards; ++s) {
    ARGOSY_ASSIGN(const auto queries, shard_queries::open(folder, s));
    for (std::size_t i = 0; i < queries.size(); ++i) ++queries_of_count[queries.count(i)];
    chosen.unique_ += queries.size();
  }
  chosen.kept_ = limit == 0 ? chosen.unique_ : std::min(limit, chosen.unique_);
  std::uint64_t left = chosen.kept_;
  for (const auto& [count, queries] : queries_of_count) {
    chosen.least_ = count;
    chosen.ties_ = std::min(left, queries);
    left -= chosen.ties_;
    if (left == 0) break;
  }
  return chosen;
}

bool most_frequent::take(std::uint64_t count) noexcept {
  if (count != least_) return count > least_;
  if (ties_ == 0) return false;
  --ties_;
  return true;
}

}  // namespace argosy

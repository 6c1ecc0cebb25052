#include <algorithm>
#include <unordered_set>

#include "data/prepare_stages.hpp"
#include "data/prepared_files.hpp"
#include "data/record_reader.hpp"
#include "data/refusal_reasons.hpp"

namespace argosy {
namespace {

constexpr std::size_t remembered_queries = std::size_t{1} << 20;
constexpr std::uint32_t no_words = 0xFFFFFFFFu;

struct hash_query_id {
  std::size_t operator()(const query_id& id) const noexcept { return id.check ^ id.qid; }
};
struct hash_pair {
  std::size_t operator()(std::uint64_t pair) const noexcept { return (pair ^ pair >> 31) * 0x9E3779B97F4A7C15ull; }
};

class pair_reader {
public:
  pair_reader(const prepare_context& context, catalogue& records) : context_(context), records_(records) {
    for (std::size_t product = 0; product < records.product.size(); ++product)
      product_of_.emplace(records.id[records.product[product]], static_cast<std::uint32_t>(product));
  }

  status take(std::uint64_t line, const log_record& record) {
    ARGOSY_TRY(context_.check_stop());
    const auto product = product_of_.find(record.product_id);
    if (product == product_of_.end()) return refuse({line, std::string(reason::unknown_product), record.product_id});
    ARGOSY_ASSIGN(const std::uint32_t query, query_of(record.query));
    if (query == no_words) return refuse({line, std::string(reason::no_query), record.query});
    ++context_.report.log_kept;
    context_.tell("log", ++context_.report.log_read, 0);
    if (!seen_.insert(std::uint64_t{query} << 32 | product->second).second) return {};
    read_.query.push_back(query);
    read_.product.push_back(product->second);
    return {};
  }

  status refuse(const refusal& why) {
    ++context_.report.log_read;
    return context_.refusals.refuse(context_.options.log, why);
  }

  log_pairs finish() && {
    const std::size_t queries = read_.query_words.size();
    read_.known_offset.assign(queries + 1, 0);
    for (const std::uint32_t query : read_.query) ++read_.known_offset[query + 1];
    for (std::size_t q = 0; q < queries; ++q) read_.known_offset[q + 1] += read_.known_offset[q];
    read_.known.resize(read_.query.size());
    std::vector<std::uint64_t> place = read_.known_offset;
    for (std::size_t i = 0; i < read_.query.size(); ++i) read_.known[place[read_.query[i]]++] = read_.product[i];
    for (std::size_t q = 0; q < queries; ++q) std::sort(known_at(q), known_at(q + 1));
    return std::move(read_);
  }

private:
  std::vector<std::uint32_t>::iterator known_at(std::size_t query) {
    return read_.known.begin() + static_cast<std::ptrdiff_t>(read_.known_offset[query]);
  }

  // A shopper's text comes again and again, and splitting it costs far more than finding it.
  result<std::uint32_t> query_of(const std::string& text) {
    if (const auto found = query_of_text_.find(text); found != query_of_text_.end()) return found->second;
    ARGOSY_ASSIGN(const std::uint32_t query, query_of_words(text));
    if (query_of_text_.size() == remembered_queries) query_of_text_.clear();
    query_of_text_.emplace(text, query);
    return query;
  }

  result<std::uint32_t> query_of_words(const std::string& text) {
    ARGOSY_ASSIGN(const auto words, context_.sorted_words(text));
    if (words.empty()) return no_words;
    ARGOSY_ASSIGN(const auto id, query_id_of(words));
    const auto next = static_cast<std::uint32_t>(read_.query_words.size());
    const auto [found, fresh] = query_of_id_.emplace(id, next);
    if (fresh && next == prepared::most_items) return status{errc::out_of_range, context_.options.log.string() + ": too many queries"};
    if (fresh) read_.query_words.add(words, records_.words);
    return found->second;
  }

  const prepare_context& context_;
  catalogue& records_;
  std::unordered_map<std::string_view, std::uint32_t> product_of_;
  std::unordered_map<std::string, std::uint32_t> query_of_text_;
  std::unordered_map<query_id, std::uint32_t, hash_query_id> query_of_id_;
  std::unordered_set<std::uint64_t, hash_pair> seen_;
  log_pairs read_;
};

}  // namespace

result<log_pairs> read_pairs(const prepare_context& context, catalogue& records) {
  if (context.options.log.empty()) return log_pairs{};
  context.tell("log", 0, 0);
  pair_reader reader(context, records);
  ARGOSY_TRY(read_log_until(
      context.options.log, [&](std::uint64_t line, const log_record& record) { return reader.take(line, record); },
      [&](const refusal& why) { return reader.refuse(why); }));
  auto read = std::move(reader).finish();
  if (read.query.empty())
    return status{errc::invalid_argument, context.options.log.string() +
                                              ": want at least one line with a query and a product of the catalogue, found none in " +
                                              std::to_string(context.report.log_read) + " lines; refused: " + context.refusals.summary()};
  context.report.queries = read.query_words.size();
  context.report.pairs = read.query.size();
  return read;
}

}  // namespace argosy

#include "search/product_search.hpp"

#include <algorithm>

#include "data/text.hpp"

namespace argosy {
namespace {

constexpr std::uint32_t semantic_bit = 1, lexical_bit = 2;

std::vector<found_product> of_channel(const std::vector<hit>& hits, std::uint32_t channel) {
  std::vector<found_product> products;
  for (const hit& one : hits) products.push_back({one.row, one.score, channel, true});
  return products;
}

// The first k that are in the set, of all where there is none. `hits` as they were published: a product that was replaced since has the
// place of the old one, one that was removed is left out; one that was added is not among them.
std::vector<hit> best_within(const live_generation& of, const std::vector<hit>& hits, const row_set* set, std::size_t k) {
  std::vector<hit> best;
  for (std::size_t i = 0; i < hits.size() && best.size() < k; ++i) {
    const auto row = of.row_now(hits[i].row);
    if (row && (set == nullptr || set->contains(*row))) best.push_back({*row, hits[i].score});
  }
  return best;
}

std::vector<found_product> of_both(const std::vector<hit>& semantic, const std::vector<hit>& lexical, const search_request& request) {
  const channel_list channels[] = {{semantic, request.semantic_weight}, {lexical, request.lexical_weight}};
  std::vector<found_product> products;
  for (const fused_hit& one : fuse(channels, request.k)) products.push_back({one.row, one.score, one.channels, true});
  return products;
}

std::vector<restriction> described(const terms& of, std::span<const name_match> names) {
  std::vector<restriction> all;
  for (const name_match& name : names) {
    all.push_back({name.text, std::string(of.field_name(name.field)), {}});
    for (const std::uint32_t value : name.values) all.back().values.emplace_back(of.value_text(value));
  }
  return all;
}

void drop_least_evident(std::vector<name_match>& names) {
  names.erase(
      std::min_element(names.begin(), names.end(), [](const name_match& a, const name_match& b) { return a.evidence < b.evidence; }));
}

// Those not in the list yet, after it, up to k.
void append_others(std::vector<found_product>& to, const std::vector<found_product>& others, std::size_t k) {
  const std::size_t first = to.size();
  for (const found_product& other : others) {
    if (to.size() >= k) return;
    const auto known = to.begin() + static_cast<std::ptrdiff_t>(first);
    if (std::any_of(to.begin(), known, [&](const found_product& one) { return one.row == other.row; })) continue;
    to.push_back(other);
    to.back().within = false;
  }
}

}  // namespace

std::optional<search_channel> channel_named(std::string_view name) noexcept {
  static constexpr std::string_view names[] = {"semantic", "lexical", "hybrid"};
  const auto found = std::find(std::begin(names), std::end(names), name);
  if (found == std::end(names)) return std::nullopt;
  return static_cast<search_channel>(found - std::begin(names));
}

// A query's words and what its names keep.
struct product_search::understood {
  std::vector<std::string> words;
  std::vector<name_match> names;
  std::optional<row_set> kept;  // none: no name
};

result<const terms*> product_search::known_terms(std::string_view wanted_for) const {
  if (const terms* known = from_->current().catalogue_terms()) return known;
  return status(errc::unavailable, from_->current().path().string() + ": published without terms.argosy, which " + std::string(wanted_for) +
                                       " needs: publish it again");
}

result<std::optional<row_set>> product_search::filtered(const search_request& request) const {
  if (request.filter.empty()) return std::optional<row_set>();
  ARGOSY_TRY(known_terms("a filter").failure());
  ARGOSY_ASSIGN(const filter_node filter, parse_filter(request.filter, [](std::string_view text) { return normalise_text(text); }));
  ARGOSY_ASSIGN(row_set kept, from_->live().keep(filter));
  return std::optional(std::move(kept));
}

result<product_search::understood> product_search::understand(std::vector<std::string> words, const search_request& request,
                                                              const row_set* filter) const {
  understood query{std::move(words), {}, std::nullopt};
  const terms* known = from_->current().catalogue_terms();
  if (!request.restricts || known == nullptr) return query;
  ARGOSY_ASSIGN(query.names, known->names_in(query.words, request.least_evidence));
  while (!query.names.empty()) {
    ARGOSY_ASSIGN(row_set kept, from_->live().keep(query.names));
    if (filter != nullptr) kept.intersect(*filter);
    if (kept.size() > 0) {
      query.kept = std::move(kept);
      return query;
    }
    drop_least_evident(query.names);
  }
  return query;
}

result<std::vector<found_product>> product_search::find(const understood& query, const const_view& vector, const search_request& request,
                                                        const row_set* allowed) const {
  const bool hybrid = request.channel == search_channel::hybrid;
  const std::size_t depth = hybrid ? std::max(request.k, least_depth) : request.k;
  std::vector<hit> semantic, lexical;
  if (request.channel != search_channel::lexical) {
    ARGOSY_ASSIGN(auto lists, from_->live().search(vector, {.k = depth, .threads = from_->threads(), .allowed = allowed}));
    semantic = std::move(lists.front());
  }
  if (request.channel != search_channel::semantic) {
    ARGOSY_TRY(known_terms("the lexical channel").failure());
    ARGOSY_ASSIGN(lexical, from_->live().search(query.words, depth, allowed, request.bm25));
  }
  if (hybrid) return of_both(semantic, lexical, request);
  return request.channel == search_channel::semantic ? of_channel(semantic, semantic_bit) : of_channel(lexical, lexical_bit);
}

result<search_answer> product_search::answer_one(const understood& query, const const_view& vector, const search_request& request,
                                                 const row_set* filter) const {
  search_answer answer;
  ARGOSY_ASSIGN(answer.products, find(query, vector, request, query.kept ? &*query.kept : filter));
  if (!query.kept) return answer;
  answer.restricted = described(*from_->current().catalogue_terms(), query.names);
  if (answer.products.size() >= request.k) return answer;
  ARGOSY_ASSIGN(const auto others, find(query, vector, request, filter));
  append_others(answer.products, others, request.k);
  return answer;
}

result<std::optional<search_answer>> product_search::known(const std::string& query, const search_request& request) const {
  const std::optional<search_answer> none;
  if (request.channel != search_channel::semantic || request.k > from_->most_known()) return none;
  ARGOSY_ASSIGN(const auto hits, from_->known(query));
  if (!hits) return none;
  ARGOSY_ASSIGN(const auto filter, filtered(request));
  ARGOSY_ASSIGN(auto words, from_->words(query));
  ARGOSY_ASSIGN(const understood meant, understand(std::move(words), request, filter ? &*filter : nullptr));
  const row_set* kept = meant.kept ? &*meant.kept : filter ? &*filter : nullptr;

  search_answer answer;
  answer.from_pairs = true;
  answer.products = of_channel(best_within(from_->live(), *hits, kept, request.k), semantic_bit);
  const std::size_t there = kept == nullptr ? from_->live().products() : kept->size();
  if (answer.products.size() < std::min(request.k, there)) return none;
  if (!meant.kept) return std::optional(std::move(answer));
  answer.restricted = described(*from_->current().catalogue_terms(), meant.names);
  const row_set* wider = filter ? &*filter : nullptr;
  append_others(answer.products, of_channel(best_within(from_->live(), *hits, wider, request.k), semantic_bit), request.k);
  const std::size_t others = filter ? filter->size() : from_->live().products();
  if (answer.products.size() < std::min(request.k, others)) return none;
  return std::optional(std::move(answer));
}

// A query before it is embedded.
struct product_search::worded {
  const search_request* request;
  std::vector<std::string> words;
  std::vector<std::int32_t> tokens;
  std::optional<row_set> filter;
};

result<product_search::worded> product_search::in_words(const asked_query& asked) const {
  worded query{asked.request, {}, {}, std::nullopt};
  ARGOSY_ASSIGN(query.words, from_->words(asked.query));
  ARGOSY_ASSIGN(query.tokens, from_->tokens(asked.query));
  ARGOSY_ASSIGN(query.filter, filtered(*asked.request));
  return query;
}

result<std::vector<result<search_answer>>> product_search::answer_each(std::span<const asked_query> queries) {
  std::vector<result<worded>> all;
  std::vector<std::vector<std::int32_t>> tokens;
  for (const asked_query& one : queries) {
    all.push_back(in_words(one));
    if (all.back().ok() && one.request->channel != search_channel::lexical) tokens.push_back(all.back()->tokens);
  }
  ARGOSY_ASSIGN(const std::vector<float> vectors, from_->embed(tokens));
  const auto width = static_cast<std::int64_t>(from_->current().index().columns());
  const float* next = vectors.data();
  std::vector<result<search_answer>> answers;
  for (auto& one : all) {
    if (!one.ok()) {
      answers.emplace_back(one.failure());
      continue;
    }
    const bool embedded = one->request->channel != search_channel::lexical;
    const const_view vector = embedded ? view_of(next, 1, width) : const_view{};
    next += embedded ? width : 0;
    const row_set* filter = one->filter ? &*one->filter : nullptr;
    const auto meant = understand(std::move(one->words), *one->request, filter);
    answers.push_back(meant.ok() ? answer_one(meant.value(), vector, *one->request, filter) : meant.failure());
  }
  return answers;
}

result<std::vector<search_answer>> product_search::answer(std::span<const std::string> queries, const search_request& request,
                                                          std::uint64_t* wordless) {
  if (wordless != nullptr) ARGOSY_TRY(filtered(request).failure());  // which is not to be taken for a query without words
  std::vector<asked_query> asked;
  for (const auto& query : queries) asked.push_back({query, &request});
  ARGOSY_ASSIGN(auto found, answer_each(asked));
  std::vector<search_answer> answers(queries.size());
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const bool counted = !found[q].ok() && wordless != nullptr && found[q].failure().code() == errc::invalid_argument;
    if (!found[q].ok() && !counted) return found[q].failure();
    if (counted) {
      ++*wordless;
    } else {
      answers[q] = std::move(*found[q]);
    }
  }
  return answers;
}

}  // namespace argosy

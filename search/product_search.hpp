// How a query becomes products: channels, filter, restriction. On a searcher, which embeds.
//   filter     of the user (index/filter.hpp); no product that it does not keep is ever answered
//   restrict   names of restricted fields in the query (terms::names_in) keep the products that have them: `nike shoes` is answered by shoes
//              of Nike. Names together that keep nothing are dropped, that of the least evidence first; where fewer than k products are kept,
//              others follow them. What restricted is part of the answer.
//   channels   semantic: inner products of embeddings. lexical: BM25. hybrid: both, by reciprocal ranks (index/fusion.hpp), each to a depth of
//              max(k, least_depth).
// Threads   one.   Errors   of the filter, of the query (no word), unavailable: a store published before there were terms.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/fusion.hpp"
#include "index/terms.hpp"
#include "search/searcher.hpp"

namespace argosy {

enum class search_channel { semantic, lexical, hybrid };
inline constexpr std::string_view channel_names[] = {"semantic", "lexical"};  // bit c of found_product::channels
inline constexpr std::size_t least_depth = 100;                               // ours

struct search_request {
  std::size_t k = 10;
  std::string filter;  // empty: none
  search_channel channel = search_channel::semantic;
  bool restricts = true;
  float least_evidence = 0.95f;                      // of a name that restricts (ours; docs/filters.md)
  double semantic_weight = 1, lexical_weight = 0.1;  // of hybrid
  bm25_options bm25;
};

struct found_product {
  std::uint32_t row = 0;
  double score = 0;
  std::uint32_t channels = 0;
  bool within = true;  // has what the query's names ask for
};

struct restriction {
  std::string text, field;
  std::vector<std::string> values;  // any of them
};

struct search_answer {
  std::vector<found_product> products;  // best first
  std::vector<restriction> restricted;  // field by field, all of them
  bool from_pairs = false;              // the pair table had it, nothing was searched
};

// "semantic", "lexical" or "hybrid".
std::optional<search_channel> channel_named(std::string_view name) noexcept;

struct asked_query {
  std::string query;
  const search_request* request;  // outlives the call
};

class product_search {
public:
  explicit product_search(searcher& from) : from_(&from) {}
  // One answer a query. A query without a word is answered by nothing and counted in `wordless`, or is the failure where that is null.
  result<std::vector<search_answer>> answer(std::span<const std::string> queries, const search_request&, std::uint64_t* wordless = nullptr);

  // The same for queries that differ in what they ask for, embedded together: an answer or a refusal each. A failure of all: of the model.
  result<std::vector<result<search_answer>>> answer_each(std::span<const asked_query>);

  // The same from what the pair table keeps for the query, without embedding it. Of a filter, or of names, the best k that they keep are the
  // first k such of its list: none where the list is too short to have them all, where the query is not among its queries, and of channels
  // but the semantic one.
  result<std::optional<search_answer>> known(const std::string& query, const search_request&) const;

private:
  struct understood;
  struct worded;
  result<worded> in_words(const asked_query&) const;
  result<std::optional<row_set>> filtered(const search_request&) const;
  result<understood> understand(std::vector<std::string> words, const search_request&, const row_set* filter) const;
  result<std::vector<found_product>> find(const understood&, const const_view& vector, const search_request&, const row_set* allowed) const;
  result<search_answer> answer_one(const understood&, const const_view& vector, const search_request&, const row_set* filter) const;
  result<const terms*> known_terms(std::string_view wanted_for) const;
  searcher* from_;
};

}  // namespace argosy

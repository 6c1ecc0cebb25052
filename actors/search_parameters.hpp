// What GET /v1/search is asked, of a store's server and of a router alike.
//   q         1 to longest_query bytes            k         1 to most_results (10)
//   filter    index/filter.hpp                    channel   semantic, lexical, hybrid
//   restrict, live, facets   0 or 1
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "net/http_server.hpp"
#include "search/product_search.hpp"

namespace argosy {

struct search_parameters {
  std::string query;
  search_request request;
  bool live = false, facets = false;
};

// What stands behind the `?` of its target.
std::string_view query_string_of(const http_request&);
// Or the 400 that says what is wrong.
std::variant<search_parameters, http_reply> read_search_parameters(std::string_view query_string);

// What becomes of a search that failed. A search refuses the filter or the query; it has no name for either.
http_reply search_refusal(const status&);

}  // namespace argosy

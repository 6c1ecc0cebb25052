// What the command line asks of a search. invalid_argument for weights that are not two numbers of at least 0, or another channel.
#pragma once

#include "search/product_search.hpp"
#include "tools/commands.hpp"

namespace argosy {

result<search_request> request_of(const relevance_options&, std::size_t k);

}  // namespace argosy

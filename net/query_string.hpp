// The query string and the path of a request's target, as they come (RFC 3986): `q=red%20dress&k=5`.
// Errors   invalid_argument says where.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/status.hpp"

namespace argosy {

using query_parameters = std::map<std::string, std::string, std::less<>>;

// `%20` to a blank, and so, in a query string, does `+`. The bytes may be any: who takes a text checks that it is one.
result<std::string> percent_decoded(std::string_view, bool plus_is_space);
// Names and values, decoded. One without `=` has an empty value; a name that is there twice is refused.
result<query_parameters> parse_query_string(std::string_view);

}  // namespace argosy

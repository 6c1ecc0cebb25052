// Filters over the fields of a catalogue, in the spirit of HA3: `brand:"nike" AND NOT (colour:red OR price:>=500)`. docs/filters.md.
//     filter = all {"OR" all}            all = one {"AND" one}            one = "NOT" one | "(" filter ")" | condition
//     condition = field ":" (value | "(" value {"OR" value} ")" | "[" bound "TO" bound "]" | comparison number) | field comparison number
//     field, value = word | "quoted"     bound = number | "*"             comparison = "<" | "<=" | ">" | ">=" | "="
// A word runs to the next blank or one of ( ) [ ] " : < > =. Within quotes \" and \\ stand for " and \. AND, OR, NOT, TO are capitals.
// Errors   invalid_argument points at the column, in characters from 1: `filter, column 17: want a field, found "AND"`.
// Limits   most_filter_bytes, most_filter_depth, most_filter_conditions: out_of_range.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"

namespace argosy {

inline constexpr std::size_t most_filter_bytes = 16384, most_filter_depth = 32, most_filter_conditions = 1024;  // ours

// How a text is compared: NFKC and case folding. This room knows no Unicode; who publishes and who searches pass in the same one.
using fold_text = std::function<result<std::string>(std::string_view)>;

struct filter_value {
  std::string written, folded;
  std::size_t column = 0;
};

struct number_range {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool low_in = true, high_in = true;  // whether the bounds are within
};

struct filter_node {
  enum class kind { all_of, any_of, none_of, values, range };
  kind is = kind::all_of;
  std::vector<filter_node> of;       // all_of, any_of: two or more; none_of: one
  filter_value field;                // values, range
  std::vector<filter_value> values;  // one or more, any of them
  number_range range;
};

result<filter_node> parse_filter(std::string_view text, const fold_text&);
// `filter, column N: WHY`
status filter_error(std::size_t column, const std::string& why);

}  // namespace argosy

// Facets: how often values of fields occur among the products of an answer, to narrow it by a filter (index/filter.hpp).
//   values   of a field compared folded, as filters compare them, and written as the first product that has one writes it. A product counts
//            once for each. Most frequent first, then as they came.
//   fields   those that restrict queries first, then those that more of the products have; without a value among them, none
// Threads   one.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "index/filter.hpp"
#include "schema/product_change.hpp"

namespace argosy {

inline constexpr std::size_t most_facets = 12, most_facet_values = 10;  // told of an answer (ours)

struct facet_field {
  std::string name;
  bool restricts = false;
};

struct facet_value {
  std::string value;
  std::uint64_t count = 0;  // products that have it
};
struct facet {
  std::string field;
  std::vector<facet_value> values;
};

class facet_counter {
public:
  // Values of other fields are passed over. Fields whose names fold alike are one.
  facet_counter(std::span<const facet_field>, fold_text);

  // The next product's.
  void add(std::span<const field_value>);
  std::vector<facet> counted() const;

private:
  struct counted_value {
    facet_value told;
    std::uint64_t last_product = 0;
  };
  struct counted_field {
    facet_field is;
    std::uint64_t products = 0, last_product = 0;
    std::vector<counted_value> values = {};          // as they came
    std::map<std::string, std::size_t> places = {};  // of a folded value
  };
  const std::string& folded(const std::string&);
  void count(counted_field&, const std::string& value);
  fold_text fold_;
  std::map<std::string, std::string> folded_;  // each text once: folding is what counting costs
  std::vector<counted_field> fields_;
  std::map<std::string, std::size_t> by_name_;  // folded
  std::uint64_t product_ = 0;                   // from 1
};

}  // namespace argosy

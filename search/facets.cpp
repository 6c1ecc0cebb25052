#include "search/facets.hpp"

#include <algorithm>
#include <utility>

namespace argosy {

facet_counter::facet_counter(std::span<const facet_field> fields, fold_text fold) : fold_(std::move(fold)) {
  for (const facet_field& one : fields) {
    if (by_name_.emplace(folded(one.name), fields_.size()).second) fields_.push_back({.is = one});
  }
}

// What cannot be folded is no UTF-8 and equals itself alone.
const std::string& facet_counter::folded(const std::string& text) {
  const auto [place, added] = folded_.try_emplace(text);
  if (added) {
    auto made = fold_(text);
    place->second = made.ok() ? std::move(made).value() : text;
  }
  return place->second;
}

void facet_counter::count(counted_field& field, const std::string& value) {
  const auto [place, added] = field.places.emplace(folded(value), field.values.size());
  if (added) field.values.push_back({.told = {value, 0}});
  counted_value& counted = field.values[place->second];
  if (std::exchange(counted.last_product, product_) != product_) ++counted.told.count;
  if (std::exchange(field.last_product, product_) != product_) ++field.products;
}

void facet_counter::add(std::span<const field_value> of_product) {
  ++product_;
  for (const field_value& one : of_product) {
    if (const auto found = by_name_.find(folded(one.field)); found != by_name_.end()) count(fields_[found->second], one.text);
  }
}

std::vector<facet> facet_counter::counted() const {
  std::vector<const counted_field*> fields;
  for (const counted_field& one : fields_)
    if (one.products > 0) fields.push_back(&one);
  std::stable_sort(fields.begin(), fields.end(), [](const counted_field* a, const counted_field* b) {
    return a->is.restricts != b->is.restricts ? a->is.restricts : a->products > b->products;
  });
  fields.resize(std::min(fields.size(), most_facets));
  std::vector<facet> told;
  for (const counted_field* one : fields) {
    facet made{one->is.name, {}};
    for (const counted_value& value : one->values) made.values.push_back(value.told);
    std::stable_sort(made.values.begin(), made.values.end(), [](const facet_value& a, const facet_value& b) { return a.count > b.count; });
    made.values.resize(std::min(made.values.size(), most_facet_values));
    told.push_back(std::move(made));
  }
  return told;
}

}  // namespace argosy

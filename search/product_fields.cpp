#include "search/product_fields.hpp"

#include <algorithm>
#include <string>

#include "data/text.hpp"
#include "search/terms_of.hpp"

namespace argosy {
namespace {

constexpr std::size_t generations_kept = 2;

result<std::string> fold(std::string_view text) { return normalise_text(text); }

std::vector<std::uint64_t> values_by_field(const catalogue_fields& of) {
  std::vector<std::uint64_t> counts(of.fields());
  for (std::uint32_t v = 0; v < of.values(); ++v) ++counts[of.field_of(v)];
  return counts;
}

result<std::vector<std::string>> folded_restricted_names(const generation& of) {
  ARGOSY_ASSIGN(const terms_options options, read_terms_options(of.path()));
  std::vector<std::string> names;
  for (const restricted_field& one : restricted_fields(options.restricted)) {
    ARGOSY_ASSIGN(std::string name, fold(one.name));
    names.push_back(std::move(name));
  }
  return names;
}

// Without terms nothing can be narrowed by a field.
result<std::vector<facet_field>> fields_for_facets(const generation& of, const catalogue_fields& fields) {
  std::vector<facet_field> chosen;
  const terms* known = of.catalogue_terms();
  if (known == nullptr) return chosen;
  ARGOSY_ASSIGN(const auto restricted, folded_restricted_names(of));
  const auto different = values_by_field(fields);
  for (std::uint32_t f = 0; f < std::min(fields.fields(), known->fields()); ++f) {
    if (known->kind_of(f) != field_kind::text) continue;
    ARGOSY_ASSIGN(const std::string name, fold(fields.name(f)));
    const bool restricts = std::find(restricted.begin(), restricted.end(), name) != restricted.end();
    if (restricts || different[f] <= most_values_of_a_facet) chosen.push_back({std::string(fields.name(f)), restricts});
  }
  return chosen;
}

}  // namespace

result<product_fields> product_fields::open(const generation& of) {
  product_fields opened;
  ARGOSY_ASSIGN(opened.weights_, image_weights::open(of));
  const auto path = of.path() / fields_name;
  std::error_code failed;
  if (!std::filesystem::exists(path, failed) && !failed) return opened;
  ARGOSY_ASSIGN(opened.published_, catalogue_fields::open(path, of.products()));
  ARGOSY_ASSIGN(opened.facet_fields_, fields_for_facets(of, opened.published_));
  opened.kept_ = true;
  return opened;
}

std::vector<field_value> product_fields::of(const live_generation& moment, std::uint32_t row) const {
  if (row >= moment.published().products()) return moment.put_at(row).fields;
  return published_.values_of(row);
}

std::optional<float> product_fields::image_weight(const live_generation& moment, std::uint32_t row) const {
  return row < moment.published().products() ? weights_.of(row) : std::nullopt;
}

// A value too long for a list (terms.hpp) is nothing to narrow by.
std::vector<facet> product_fields::facets_of(const live_generation& moment, std::span<const found_product> products) const {
  facet_counter counter(facet_fields_, fold);
  for (const found_product& one : products) {
    auto values = of(moment, one.row);
    std::erase_if(values, [](const field_value& value) { return value.text.size() > longest_listed_value; });
    counter.add(values);
  }
  return counter.counted();
}

result<std::shared_ptr<const product_fields>> fields_of_generations::of(const generation& wanted) {
  const std::lock_guard held(lock_);
  for (const auto& [path, fields] : opened_)
    if (path == wanted.path()) return fields;
  ARGOSY_ASSIGN(product_fields made, product_fields::open(wanted));
  opened_.emplace_back(wanted.path(), std::make_shared<const product_fields>(std::move(made)));
  if (opened_.size() > generations_kept) opened_.pop_front();
  return opened_.back().second;
}

void fields_of_generations::keep_only(const generation& wanted) {
  const std::lock_guard held(lock_);
  std::erase_if(opened_, [&](const auto& one) { return one.first != wanted.path(); });
}

}  // namespace argosy

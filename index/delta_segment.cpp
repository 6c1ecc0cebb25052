#include "index/delta_segment.hpp"

#include <map>
#include <utility>

#include "base/check.hpp"

namespace argosy {
namespace {

// The values of rows by number, each field and text once, as terms_source has them.
class value_rows {
public:
  explicit value_rows(const terms& published) {
    for (std::uint32_t f = 0; f < published.fields(); ++f) field_.emplace(published.field_name(f), f);
  }

  void add(const product_change& product) {
    std::vector<std::uint32_t>& row = rows.emplace_back();
    for (const field_value& value : product.fields) {
      const auto field = field_.find(value.field);
      if (field == field_.end()) continue;
      const auto [place, is_new] = number_.try_emplace({field->second, value.text}, static_cast<std::uint32_t>(values.size()));
      if (is_new) values.push_back({field->second, value.text});
      row.push_back(place->second);
    }
  }

  std::vector<terms_source::value> values;
  std::vector<std::vector<std::uint32_t>> rows;

private:
  std::map<std::string_view, std::uint32_t> field_;
  std::map<std::pair<std::uint32_t, std::string_view>, std::uint32_t> number_;
};

}  // namespace

result<std::shared_ptr<const delta_segment>> delta_segment::make(std::vector<product_change> puts, const terms* published,
                                                                 const text_rules& rules) {
  ARGOSY_CHECK(!puts.empty());
  const auto made = std::shared_ptr<delta_segment>(new delta_segment);
  const std::size_t width = puts.front().vector.size();
  made->products_ = std::move(puts);
  made->vectors_.reserve(width * made->size());
  for (product_change& product : made->products_) {
    ARGOSY_CHECK(product.vector.size() == width);
    made->vectors_.insert(made->vectors_.end(), product.vector.begin(), product.vector.end());
    product.vector = {};
  }
  made->by_id_ = id_table(made->size());
  for (std::uint32_t row = 0; row < made->size(); ++row) made->by_id_.add(id_table::hash_of(made->products_[row].id), row);
  const auto rows = static_cast<std::int64_t>(made->size());
  ARGOSY_ASSIGN(made->index_, flat_index_over(view_of(std::as_const(made->vectors_).data(), rows, static_cast<std::int64_t>(width))));
  if (published != nullptr) ARGOSY_TRY(made->make_terms(*published, rules));
  return std::shared_ptr<const delta_segment>(made);
}

status delta_segment::make_terms(const terms& published, const text_rules& rules) {
  value_rows of(published);
  for (const product_change& product : products_) of.add(product);
  terms_source source;
  source.rows = size();
  for (std::uint32_t f = 0; f < published.fields(); ++f)
    source.fields.push_back({std::string(published.field_name(f)), published.kind_of(f)});
  source.values = std::move(of.values);
  source.title = [this](std::size_t row) { return std::string_view(products_[row].title); };
  source.values_of = [&of](std::size_t row) { return std::span<const std::uint32_t>(of.rows[row]); };
  ARGOSY_ASSIGN(terms_, terms::make(source, rules));
  return {};
}

std::optional<std::uint32_t> delta_segment::row_of(std::string_view id, std::uint64_t hash) const {
  return by_id_.find(hash, [&](std::uint32_t row) { return products_[row].id == id; });
}

product_change delta_segment::put(std::uint32_t row) const {
  product_change copy = products_[row];
  const std::size_t width = index_->columns();
  const auto first = vectors_.begin() + static_cast<std::ptrdiff_t>(row * width);
  copy.vector.assign(first, first + static_cast<std::ptrdiff_t>(width));
  return copy;
}

}  // namespace argosy

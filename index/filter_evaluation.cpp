// terms::keep and terms::estimate: filters over posting lists and columns of numbers.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "index/posting.hpp"
#include "index/terms_file.hpp"

namespace argosy {
namespace {

constexpr std::size_t most_named = 12, nearest_named = 3;

// Insertions, deletions and replacements between two texts: Wagner and Fischer, 1974.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string_view last_part(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

double as_number(const std::string& text, bool& reads) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  reads = code == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
  return value;
}

class evaluation {
public:
  explicit evaluation(const terms::impl& of) : of_(of) {}

  result<Roaring> keep(const filter_node& node) const {
    switch (node.is) {
      case filter_node::kind::all_of: return all(node);
      case filter_node::kind::any_of: return any(node);
      case filter_node::kind::none_of: return none(node);
      case filter_node::kind::values: return with_values(node);
      case filter_node::kind::range: break;
    }
    ARGOSY_ASSIGN(const auto fields, number_fields(node.field));
    Roaring kept;
    for (const std::uint32_t field : fields) kept |= in_range(range_of(field, node.range));
    return kept;
  }

  result<double> estimate(const filter_node& node) const {
    switch (node.is) {
      case filter_node::kind::all_of: return estimate_all(node);
      case filter_node::kind::any_of: return estimate_any(node);
      case filter_node::kind::none_of: break;
      case filter_node::kind::values: return estimate_values(node);
      case filter_node::kind::range: {
        ARGOSY_ASSIGN(const auto fields, number_fields(node.field));
        double count = 0;
        for (const std::uint32_t field : fields) count += static_cast<double>(range_of(field, node.range).size());
        return std::min(count, total());
      }
    }
    ARGOSY_ASSIGN(const double inner, estimate(node.of.front()));
    return total() - inner;
  }

  result<Roaring> list_of(std::uint64_t value) const {
    const std::uint64_t first = of_.posting_offset[value], bytes = of_.posting_offset[value + 1] - first;
    ARGOSY_TRY(of_.file.touch("posting", first, bytes));
    auto list = decode_posting(of_.posting.subspan(first, bytes), of_.rows, of_.value_count[value]);
    if (!list.ok()) return of_.corrupt("posting", "offset " + std::to_string(first) + ": " + list.failure().message());
    return list;
  }

private:
  double total() const { return static_cast<double>(of_.rows); }

  result<Roaring> all(const filter_node& node) const {
    ARGOSY_ASSIGN(Roaring kept, keep(node.of.front()));
    for (std::size_t i = 1; i < node.of.size(); ++i) {
      ARGOSY_ASSIGN(const Roaring next, keep(node.of[i]));
      kept &= next;
    }
    return kept;
  }

  result<Roaring> any(const filter_node& node) const {
    Roaring kept;
    for (const filter_node& part : node.of) {
      ARGOSY_ASSIGN(const Roaring next, keep(part));
      kept |= next;
    }
    return kept;
  }

  result<Roaring> none(const filter_node& node) const {
    ARGOSY_ASSIGN(Roaring kept, keep(node.of.front()));
    kept.flip(0, of_.rows);
    return kept;
  }

  result<Roaring> with_values(const filter_node& node) const {
    ARGOSY_ASSIGN(const auto fields, valued_fields(node.field));
    Roaring kept;
    for (const std::uint32_t field : fields) {
      for (const filter_value& value : node.values) {
        ARGOSY_ASSIGN(const Roaring next, with_value(field, value));
        kept |= next;
      }
    }
    return kept;
  }

  result<Roaring> with_value(std::uint32_t field, const filter_value& value) const {
    if (is(field, field_kind::number)) {
      ARGOSY_ASSIGN(const index_range equal, equal_to(field, value));
      return in_range(equal);
    }
    const auto found = of_.find_value(field, value.folded);
    return found ? list_of(*found) : result<Roaring>(Roaring());
  }

  result<double> estimate_all(const filter_node& node) const {
    double share = 1;
    for (const filter_node& part : node.of) {
      ARGOSY_ASSIGN(const double count, estimate(part));
      share *= total() > 0 ? count / total() : 0;
    }
    return share * total();
  }

  result<double> estimate_any(const filter_node& node) const {
    double share_without = 1;
    for (const filter_node& part : node.of) {
      ARGOSY_ASSIGN(const double count, estimate(part));
      share_without *= total() > 0 ? 1 - count / total() : 1;
    }
    return (1 - share_without) * total();
  }

  // Rows seldom have two values of a field.
  result<double> estimate_values(const filter_node& node) const {
    ARGOSY_ASSIGN(const auto fields, valued_fields(node.field));
    double count = 0;
    for (const std::uint32_t field : fields) {
      for (const filter_value& value : node.values) {
        if (is(field, field_kind::number)) {
          ARGOSY_ASSIGN(const index_range equal, equal_to(field, value));
          count += static_cast<double>(equal.size());
        } else if (const auto found = of_.find_value(field, value.folded)) {
          count += of_.value_count[*found];
        }
      }
    }
    return std::min(count, total());
  }

  bool is(std::uint32_t field, field_kind kind) const { return of_.field_kinds[field] == static_cast<std::uint8_t>(kind); }

  using field_list = std::vector<std::uint32_t>;

  result<field_list> valued_fields(const filter_value& wanted) const {
    ARGOSY_ASSIGN(field_list fields, find_fields(wanted));
    if (std::none_of(fields.begin(), fields.end(), [&](std::uint32_t f) { return is(f, field_kind::long_text); })) return fields;
    return filter_error(wanted.column, wanted.written + " holds long texts: want a field of short values or numbers");
  }

  result<field_list> number_fields(const filter_value& wanted) const {
    ARGOSY_ASSIGN(field_list fields, find_fields(wanted));
    if (std::all_of(fields.begin(), fields.end(), [&](std::uint32_t f) { return is(f, field_kind::number); })) return fields;
    return filter_error(wanted.column, wanted.written + " has values that are no numbers: want " + wanted.written + ":\"value\"");
  }

  // By the whole name, or by what follows the dot when that is no other name's too. Several fields have one name when records write it in
  // capitals and not.
  result<field_list> find_fields(const filter_value& wanted) const {
    field_list whole, by_end;
    for (std::uint32_t f = 0; f < of_.field_key.size(); ++f) {
      if (of_.field_key[f] == wanted.folded) whole.push_back(f);
      if (last_part(of_.field_key[f]) == wanted.folded) by_end.push_back(f);
    }
    if (!whole.empty()) return whole;
    const auto same = [&](std::uint32_t f) { return of_.field_key[f] == of_.field_key[by_end.front()]; };
    if (!by_end.empty() && std::all_of(by_end.begin(), by_end.end(), same)) return by_end;
    if (by_end.empty()) return filter_error(wanted.column, "no field is called " + wanted.written + near(wanted.folded));
    return filter_error(wanted.column, wanted.written + " is more than one field: want one of " + names_of(by_end));
  }

  std::string names_of(std::span<const std::uint32_t> fields) const {
    std::string names;
    for (const std::uint32_t field : fields) {
      const std::string name(of_.field_name[field]);
      names += (names.empty() ? "" : ", ") + (name.find(' ') == std::string::npos ? name : "\"" + name + "\"");
    }
    return names;
  }

  std::string near(std::string_view key) const {
    std::vector<std::uint32_t> fields(of_.field_key.size());
    std::iota(fields.begin(), fields.end(), 0u);
    if (fields.empty()) return ": the products have no fields";
    if (fields.size() <= most_named) return "; there are " + names_of(fields);
    const auto distance = [&](std::uint32_t f) {
      return std::min(edit_distance(key, of_.field_key[f]), edit_distance(key, last_part(of_.field_key[f])));
    };
    std::stable_sort(fields.begin(), fields.end(), [&](std::uint32_t a, std::uint32_t b) { return distance(a) < distance(b); });
    return "; near it are " + names_of(std::span(fields).first(nearest_named));
  }

  index_range range_of(std::uint32_t field, const number_range& range) const {
    const auto begin = of_.number.begin();
    const auto from = begin + static_cast<std::ptrdiff_t>(of_.first_number[field]),
               to = begin + static_cast<std::ptrdiff_t>(of_.first_number[field + 1]);
    const auto first = range.low_in ? std::lower_bound(from, to, range.low) : std::upper_bound(from, to, range.low);
    const auto end = range.high_in ? std::upper_bound(from, to, range.high) : std::lower_bound(from, to, range.high);
    return first < end ? index_range{static_cast<std::uint64_t>(first - begin), static_cast<std::uint64_t>(end - begin)} : index_range{};
  }

  result<index_range> equal_to(std::uint32_t field, const filter_value& value) const {
    bool reads = false;
    const double wanted = as_number(value.written, reads);
    if (!reads) return filter_error(value.column, "want a number, found \"" + value.written + "\"");
    return range_of(field, {wanted, wanted, true, true});
  }

  Roaring in_range(index_range range) const { return posting_of(of_.number_row.subspan(range.first, range.size()), of_.rows); }

  const terms::impl& of_;
};

// The value of `to` that has the field and text of one of `from`.
std::optional<std::uint64_t> same_value(const terms::impl& from, std::uint32_t value, const terms::impl& to) {
  if (&from == &to) return value;
  const auto field = from.field_key[from.field_of(value)];
  for (std::uint32_t f = 0; f < to.field_key.size(); ++f) {
    if (to.field_key[f] != field) continue;
    if (const auto found = to.find_value(f, from.value_key[value])) return found;
  }
  return std::nullopt;
}

}  // namespace

result<row_set> terms::keep(const filter_node& filter) const {
  ARGOSY_ASSIGN(const Roaring kept, evaluation(*impl_).keep(filter));
  return rows_of(kept, impl_->rows);
}

result<double> terms::estimate(const filter_node& filter) const { return evaluation(*impl_).estimate(filter); }

result<std::vector<std::vector<std::uint32_t>>> terms::values_by_row(std::string_view folded_field) const {
  std::vector<std::vector<std::uint32_t>> of_row(impl_->rows);
  for (std::uint32_t f = 0; f < impl_->field_key.size(); ++f) {
    if (impl_->field_key[f] != folded_field) continue;
    for (std::uint64_t value = impl_->first_value[f]; value < impl_->first_value[f + 1]; ++value) {
      ARGOSY_ASSIGN(const Roaring list, evaluation(*impl_).list_of(value));
      for (const std::uint32_t row : list) of_row[row].push_back(static_cast<std::uint32_t>(value));
    }
  }
  return of_row;
}

result<row_set> terms::keep(std::span<const name_match> names, const terms& from) const {
  Roaring kept;
  kept.flip(0, impl_->rows);
  std::vector<std::uint32_t> fields;
  for (const name_match& name : names)
    if (std::find(fields.begin(), fields.end(), name.field) == fields.end()) fields.push_back(name.field);
  for (const std::uint32_t field : fields) {
    Roaring of_field;
    for (const name_match& name : names) {
      if (name.field != field) continue;
      for (const std::uint32_t value : name.values) {
        const auto here = same_value(*from.impl_, value, *impl_);
        if (!here) continue;
        ARGOSY_ASSIGN(const Roaring list, evaluation(*impl_).list_of(*here));
        of_field |= list;
      }
    }
    kept &= of_field;
  }
  return rows_of(kept, impl_->rows);
}

}  // namespace argosy

#include "index/terms_file.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace argosy {
namespace {

constexpr std::uint64_t most_rows = std::numeric_limits<std::uint32_t>::max();

template <class T>
status take(const container_reader& file, std::string_view name, std::span<const T>& to) {
  ARGOSY_ASSIGN(to, file.section<T>(name));
  return {};
}

// From 0 to `last`, never falling; `parts` + 1 of them.
bool divides(std::span<const std::uint64_t> offsets, std::uint64_t parts, std::uint64_t last) {
  return offsets.size() == parts + 1 && offsets.front() == 0 && offsets.back() == last && std::is_sorted(offsets.begin(), offsets.end());
}

status wrong_size(const terms::impl& of, std::string_view section, std::uint64_t want, std::uint64_t got) {
  return of.corrupt(section, "want " + std::to_string(want) + " elements, found " + std::to_string(got));
}

status check_offsets(const terms::impl& of, std::string_view section, std::span<const std::uint64_t> offsets, std::uint64_t parts,
                     std::uint64_t last) {
  if (divides(offsets, parts, last)) return {};
  return of.corrupt(section,
                    "want " + std::to_string(parts + 1) + " offsets that rise from 0 to " + std::to_string(last) + ", found others");
}

status take_texts(const terms::impl& of, const std::string& name, text_column& to) {
  ARGOSY_TRY(take(of.file, name, to.text));
  ARGOSY_TRY(take(of.file, name + "_offset", to.offset));
  const std::uint64_t parts = to.offset.empty() ? 0 : to.offset.size() - 1;
  return check_offsets(of, name + "_offset", to.offset, parts, to.text.size());
}

bool rises(const text_column& texts, std::uint64_t first, std::uint64_t end) {
  for (std::uint64_t i = first; i + 1 < end; ++i)
    if (!(texts[i] < texts[i + 1])) return false;
  return true;
}

bool all_below(std::span<const std::uint32_t> numbers, std::uint64_t limit) {
  return std::all_of(numbers.begin(), numbers.end(), [limit](std::uint32_t n) { return n < limit; });
}

}  // namespace

status terms::impl::corrupt(std::string_view section, const std::string& why) const {
  return {errc::corrupt, file.path().string() + ": section " + std::string(section) + ": " + why};
}

result<std::shared_ptr<const terms::impl>> terms::impl::open(container_reader file) {
  const auto opened = std::shared_ptr<impl>(new impl(std::move(file)));
  ARGOSY_ASSIGN(const auto shape, opened->file.section<std::uint64_t>("shape"));
  if (shape.size() != 3) return wrong_size(*opened, "shape", 3, shape.size());
  if (shape[0] > most_rows) return opened->corrupt("shape", "want fewer than 2^32 rows, found " + std::to_string(shape[0]));
  opened->rows = shape[0], opened->title_words = shape[1], opened->field_words = shape[2];
  ARGOSY_TRY(opened->open_fields());
  ARGOSY_TRY(opened->open_values());
  ARGOSY_TRY(opened->open_numbers());
  ARGOSY_TRY(opened->open_words());
  ARGOSY_TRY(opened->open_names());
  return std::shared_ptr<const impl>(opened);
}

status terms::impl::open_fields() {
  ARGOSY_TRY(take_texts(*this, "field_name", field_name));
  ARGOSY_TRY(take_texts(*this, "field_key", field_key));
  ARGOSY_TRY(take(file, "field_kind", field_kinds));
  if (field_key.size() != field_name.size()) return wrong_size(*this, "field_key", field_name.size(), field_key.size());
  if (field_kinds.size() != field_name.size()) return wrong_size(*this, "field_kind", field_name.size(), field_kinds.size());
  for (const std::uint8_t kind : field_kinds)
    if (kind > 2) return corrupt("field_kind", "want 0 to 2, found " + std::to_string(kind));
  return {};
}

status terms::impl::open_values() {
  ARGOSY_TRY(take_texts(*this, "value_key", value_key));
  ARGOSY_TRY(take_texts(*this, "value_text", value_text));
  ARGOSY_TRY(take(file, "first_value", first_value));
  ARGOSY_TRY(take(file, "value_count", value_count));
  ARGOSY_TRY(take(file, "posting_offset", posting_offset));
  ARGOSY_ASSIGN(posting, file.unverified<std::uint8_t>("posting"));
  const std::uint64_t values = value_key.size();
  ARGOSY_TRY(check_offsets(*this, "first_value", first_value, field_name.size(), values));
  ARGOSY_TRY(check_offsets(*this, "posting_offset", posting_offset, values, posting.size()));
  if (value_text.size() != values) return wrong_size(*this, "value_text", values, value_text.size());
  if (value_count.size() != values) return wrong_size(*this, "value_count", values, value_count.size());
  for (std::size_t f = 0; f < field_name.size(); ++f)
    if (!rises(value_key, first_value[f], first_value[f + 1])) return corrupt("value_key", "want rising keys in each field, found others");
  return {};
}

status terms::impl::open_numbers() {
  ARGOSY_TRY(take(file, "first_number", first_number));
  ARGOSY_TRY(take(file, "number", number));
  ARGOSY_TRY(take(file, "number_row", number_row));
  ARGOSY_TRY(check_offsets(*this, "first_number", first_number, field_name.size(), number.size()));
  if (number_row.size() != number.size()) return wrong_size(*this, "number_row", number.size(), number_row.size());
  if (!all_below(number_row, rows)) return corrupt("number_row", "want rows below " + std::to_string(rows) + ", found others");
  for (std::size_t f = 0; f < field_name.size(); ++f) {
    const auto of = number.subspan(first_number[f], first_number[f + 1] - first_number[f]);
    if (std::any_of(of.begin(), of.end(), [](double n) { return std::isnan(n); }) || !std::is_sorted(of.begin(), of.end()))
      return corrupt("number", "want rising numbers in each field, found others");
  }
  return {};
}

status terms::impl::open_words() {
  ARGOSY_TRY(take_texts(*this, "word", word));
  ARGOSY_TRY(take(file, "first_entry", first_entry));
  ARGOSY_TRY(take(file, "word_titles", word_titles));
  ARGOSY_TRY(take(file, "title_length", title_length));
  ARGOSY_TRY(take(file, "field_length", field_length));
  ARGOSY_ASSIGN(entry_row, file.unverified<std::uint32_t>("entry_row"));
  ARGOSY_ASSIGN(entry_title, file.unverified<std::uint8_t>("entry_title"));
  ARGOSY_ASSIGN(entry_field, file.unverified<std::uint8_t>("entry_field"));
  if (!rises(word, 0, word.size())) return corrupt("word", "want rising words, found others");
  ARGOSY_TRY(check_offsets(*this, "first_entry", first_entry, word.size(), entry_row.size()));
  if (word_titles.size() != word.size()) return wrong_size(*this, "word_titles", word.size(), word_titles.size());
  if (entry_title.size() != entry_row.size()) return wrong_size(*this, "entry_title", entry_row.size(), entry_title.size());
  if (entry_field.size() != entry_row.size()) return wrong_size(*this, "entry_field", entry_row.size(), entry_field.size());
  if (title_length.size() != rows) return wrong_size(*this, "title_length", rows, title_length.size());
  return field_length.size() == rows ? status{} : wrong_size(*this, "field_length", rows, field_length.size());
}

status terms::impl::open_names() {
  ARGOSY_TRY(take_texts(*this, "name", name));
  ARGOSY_TRY(take(file, "first_target", first_target));
  ARGOSY_TRY(take(file, "target_value", target_value));
  ARGOSY_TRY(take(file, "target_evidence", target_evidence));
  if (!rises(name, 0, name.size())) return corrupt("name", "want rising names, found others");
  ARGOSY_TRY(check_offsets(*this, "first_target", first_target, name.size(), target_value.size()));
  if (target_evidence.size() != target_value.size())
    return wrong_size(*this, "target_evidence", target_value.size(), target_evidence.size());
  return all_below(target_value, value_key.size()) ? status{} : corrupt("target_value", "want numbers of values, found others");
}

std::optional<std::uint64_t> terms::impl::find(const text_column& texts, std::uint64_t first, std::uint64_t end,
                                               std::string_view wanted) noexcept {
  const std::uint64_t last = end;
  while (first < end) {
    const std::uint64_t middle = first + (end - first) / 2;
    if (texts[middle] < wanted) {
      first = middle + 1;
    } else {
      end = middle;
    }
  }
  return first < last && texts[first] == wanted ? std::optional(first) : std::nullopt;
}

std::optional<std::uint64_t> terms::impl::find_value(std::uint32_t field, std::string_view key) const noexcept {
  return find(value_key, first_value[field], first_value[field + 1], key);
}

std::uint32_t terms::impl::field_of(std::uint32_t value) const noexcept {
  const auto after = std::upper_bound(first_value.begin(), first_value.end(), std::uint64_t{value});
  return static_cast<std::uint32_t>(after - first_value.begin() - 1);
}

}  // namespace argosy

#include "data/field_rows.hpp"

#include <numeric>

#include "data/prepared_files.hpp"
#include "schema/container.hpp"

namespace argosy {
namespace {

// JSON can name a field `a\0b`: names are cut there, so that the first zero byte ends them.
std::string clean_name(const std::string& name) { return name.substr(0, name.find('\0')); }

template <class Text>
status write_texts(container_writer& to, const std::string& name, std::size_t n, Text text) {
  std::vector<std::uint64_t> offset{0};
  ARGOSY_TRY(to.begin(name, element::u8));
  for (std::size_t i = 0; i < n; ++i) {
    const std::string_view held = text(i);
    ARGOSY_TRY(to.append(std::as_bytes(std::span(held))));
    offset.push_back(offset.back() + held.size());
  }
  return to.add(name + "_offset", std::span<const std::uint64_t>(offset));
}

}  // namespace

void field_rows::add(std::span<const field_value> values) {
  for (const auto& [given, text, number] : values) {
    const std::string name = clean_name(given);
    const bool is_new = number_.size() < most_fields;
    const std::uint32_t field = names_.find(name).value_or(is_new ? names_.number_of(name) : most_fields);
    if (field == most_fields) {
      ++left_out_;
      continue;
    }
    if (field == number_.size()) number_.push_back(1);
    if (!number) number_[field] = 0;
    const std::uint32_t value = values_.number_of(std::string(name).append(1, '\0').append(text));
    if (value == field_.size()) field_.push_back(field);
    held_.push_back(value);
  }
  offset_.push_back(held_.size());
}

status field_rows::write(const std::filesystem::path& path) const {
  std::vector<std::uint64_t> all(offset_.size() - 1);
  std::iota(all.begin(), all.end(), std::uint64_t{0});
  return write(path, all);
}

status field_rows::write(const std::filesystem::path& path, std::span<const std::uint64_t> product) const {
  ARGOSY_ASSIGN(auto to, container_writer::create(path, prepared::fields_kind));
  ARGOSY_TRY(write_texts(to, "name", number_.size(), [this](std::size_t f) { return std::string_view(names_.words()[f]); }));
  ARGOSY_TRY(to.add("number", std::span<const std::uint8_t>(number_)));
  ARGOSY_TRY(write_texts(to, "text", field_.size(), [this](std::size_t v) {
    const std::string_view key = values_.words()[v];
    return key.substr(key.find('\0') + 1);
  }));
  ARGOSY_TRY(to.add("field", std::span<const std::uint32_t>(field_)));
  std::vector<std::uint64_t> offset{0};
  ARGOSY_TRY(to.begin("value", element::u32));
  for (const std::uint64_t record : product) {
    const auto row = std::span(held_).subspan(offset_[record], offset_[record + 1] - offset_[record]);
    ARGOSY_TRY(to.append(row));
    offset.push_back(offset.back() + row.size());
  }
  ARGOSY_TRY(to.add("value_offset", std::span<const std::uint64_t>(offset)));
  return to.finish();
}

}  // namespace argosy

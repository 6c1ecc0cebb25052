#include "data/catalogue_fields.hpp"

#include "base/check.hpp"
#include "data/container_rows.hpp"
#include "data/prepared_files.hpp"

namespace argosy {

struct catalogue_fields::impl {
  std::vector<container_reader> file;  // none: no fields
  rows<std::uint8_t> name, text;
  std::span<const std::uint8_t> number;
  std::span<const std::uint32_t> field;
  rows<std::uint32_t> value;

  status open(const container_reader& from, std::uint64_t products) {
    ARGOSY_ASSIGN(number, from.section<std::uint8_t>("number"));
    ARGOSY_ASSIGN(field, from.section<std::uint32_t>("field"));
    ARGOSY_ASSIGN(name, open_texts(from, "name", number.size()));
    ARGOSY_ASSIGN(text, open_texts(from, "text", field.size()));
    ARGOSY_ASSIGN(value, open_rows<std::uint32_t>(from, "value", products));
    ARGOSY_TRY(check_below(from, "field", field, number.size()));
    return check_below(from, "value", value.held, field.size());
  }
};

catalogue_fields::catalogue_fields() : impl_(std::make_shared<impl>()) {}
catalogue_fields::catalogue_fields(std::shared_ptr<const impl> opened) : impl_(std::move(opened)) {}

result<catalogue_fields> catalogue_fields::open(const std::filesystem::path& path, std::uint64_t products) {
  auto opened = std::make_shared<impl>();
  ARGOSY_ASSIGN(auto file, container_reader::open(path, prepared::fields_kind));
  ARGOSY_TRY(opened->open(file, products));
  opened->file.push_back(std::move(file));
  return catalogue_fields(std::move(opened));
}

std::size_t catalogue_fields::fields() const noexcept { return impl_->number.size(); }
std::size_t catalogue_fields::values() const noexcept { return impl_->field.size(); }

std::string_view catalogue_fields::name(std::uint32_t field) const {
  ARGOSY_CHECK(field < fields());
  return text_of(impl_->name[field]);
}

bool catalogue_fields::is_number(std::uint32_t field) const {
  ARGOSY_CHECK(field < fields());
  return impl_->number[field] != 0;
}

std::uint32_t catalogue_fields::field_of(std::uint32_t value) const {
  ARGOSY_CHECK(value < values());
  return impl_->field[value];
}

std::string_view catalogue_fields::text(std::uint32_t value) const {
  ARGOSY_CHECK(value < values());
  return text_of(impl_->text[value]);
}

std::span<const std::uint32_t> catalogue_fields::of(std::uint64_t product) const {
  if (fields() == 0) return {};
  ARGOSY_CHECK(product + 1 < impl_->value.offset.size());
  return impl_->value[product];
}

std::vector<field_value> catalogue_fields::values_of(std::uint64_t product) const {
  std::vector<field_value> values;
  for (const std::uint32_t value : of(product)) {
    const std::uint32_t field = field_of(value);
    values.push_back({std::string(name(field)), std::string(text(value)), is_number(field)});
  }
  return values;
}

}  // namespace argosy

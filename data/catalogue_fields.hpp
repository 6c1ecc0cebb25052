// What a catalogue says of its products beyond id, title and image: brand, category path, price, any attribute. Kept out of the model; for
// filters, facets and lexical search.
//   value    of a field: text, with leading and trailing blanks cut; a number as it was written; true or false
//   array    of strings, numbers or booleans: a value each. One in a field whose name ends in `path`, such as category_path, is one value, its
//            levels joined by ` > `: `Apparel > Shoes`; a string may be written that way itself
//   object   within the record: `{"attributes": {"Pattern": "Solid"}}` is the field `attributes.Pattern`; objects within that are left out
//   number   a field is one of numbers when every value of it is: a JSON number, or in TSV a text that reads as a finite one
// Field f has a name, value v is of one field and has a text; every distinct value of a field is there once, numbered by its first use.
// Threads  immutable; may be shared.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "schema/product_change.hpp"

namespace argosy {

inline constexpr std::size_t most_fields = 4096;  // of a catalogue; values of further ones are left out and counted (ours)

// Appends the values of one member of a JSON record, or of one column of a TSV line.
void take_json_values(const std::string& name, const nlohmann::json&, std::vector<field_value>& to);
void take_column_value(std::string_view name, std::string_view text, std::vector<field_value>& to);

// The file `fields` of prepared data.
class catalogue_fields {
public:
  // Without any field, of no product.
  catalogue_fields();
  // Reads and checks every byte.
  static result<catalogue_fields> open(const std::filesystem::path&, std::uint64_t products);

  std::size_t fields() const noexcept;
  std::string_view name(std::uint32_t field) const;
  bool is_number(std::uint32_t field) const;
  std::size_t values() const noexcept;
  std::uint32_t field_of(std::uint32_t value) const;
  std::string_view text(std::uint32_t value) const;
  // The values of a product in the order of its record.
  std::span<const std::uint32_t> of(std::uint64_t product) const;
  std::vector<field_value> values_of(std::uint64_t product) const;

private:
  struct impl;
  explicit catalogue_fields(std::shared_ptr<const impl>);
  std::shared_ptr<const impl> impl_;
};

}  // namespace argosy

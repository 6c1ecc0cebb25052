// The further fields of a catalogue in memory while it is prepared: a row of values a record, distinct values once. Written as the file
// `fields` (prepared_files.hpp).
// Threads   one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "base/status.hpp"
#include "data/catalogue_fields.hpp"
#include "data/word_rows.hpp"

namespace argosy {

class field_rows {
public:
  // The values of the next record.
  void add(std::span<const field_value>);
  // Values of fields beyond `most_fields`, which are left out.
  std::uint64_t left_out() const noexcept { return left_out_; }
  std::size_t fields() const noexcept { return number_.size(); }
  // All records.
  status write(const std::filesystem::path&) const;
  // `product` names the record of each product.
  status write(const std::filesystem::path&, std::span<const std::uint64_t> product) const;

private:
  word_table names_;
  std::vector<std::uint8_t> number_;  // of each field: 1 while all its values are numbers
  word_table values_;                 // the field's name, U+0000, the text
  std::vector<std::uint32_t> field_;  // of each value
  std::vector<std::uint32_t> held_;   // values of each record, end to end
  std::vector<std::uint64_t> offset_{0};
  std::uint64_t left_out_ = 0;
};

}  // namespace argosy

// terms.argosy opened: its sections, and look-ups in its dictionaries. Every dictionary is checked when it is opened, so that look-ups need
// no checks; lists are checked by who reads them. Layout: FORMATS.md.
// Not for other rooms.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "index/terms.hpp"
#include "schema/container.hpp"

namespace argosy {

inline constexpr file_kind terms_kind{"terms", 1};

// Texts, end to end.
struct text_column {
  std::span<const char> text;
  std::span<const std::uint64_t> offset;

  std::size_t size() const noexcept { return offset.size() - 1; }
  std::string_view operator[](std::size_t i) const noexcept { return {text.data() + offset[i], offset[i + 1] - offset[i]}; }
};

struct index_range {
  std::uint64_t first = 0, end = 0;
  std::uint64_t size() const noexcept { return end - first; }
};

// Sections of a terms file, and its end.
status write_terms(container_writer&, const terms_source&, const text_rules&);

struct terms::impl {
  container_reader file;
  std::uint64_t rows = 0, title_words = 0, field_words = 0;  // of all rows

  text_column field_name, field_key;
  std::span<const std::uint8_t> field_kinds;
  std::span<const std::uint64_t> first_value, first_number;  // of each field, and the end

  text_column value_key, value_text;  // keys rise within a field
  std::span<const std::uint32_t> value_count;
  std::span<const std::uint8_t> posting;
  std::span<const std::uint64_t> posting_offset;

  std::span<const double> number;  // rising within a field
  std::span<const std::uint32_t> number_row;

  text_column word;  // rising
  std::span<const std::uint64_t> first_entry;
  std::span<const std::uint32_t> word_titles;  // rows that have it in the title
  std::span<const std::uint32_t> entry_row;    // rising within a word
  std::span<const std::uint8_t> entry_title, entry_field;
  std::span<const std::uint16_t> title_length, field_length;

  text_column name;  // rising
  std::span<const std::uint64_t> first_target;
  std::span<const std::uint32_t> target_value;
  std::span<const float> target_evidence;

  static result<std::shared_ptr<const impl>> open(container_reader);
  status corrupt(std::string_view section, const std::string& why) const;
  // Which one it is, of texts that rise from `first` to `end`.
  static std::optional<std::uint64_t> find(const text_column&, std::uint64_t first, std::uint64_t end, std::string_view wanted) noexcept;
  std::optional<std::uint64_t> find_value(std::uint32_t field, std::string_view key) const noexcept;
  std::uint32_t field_of(std::uint32_t value) const noexcept;

private:
  explicit impl(container_reader from) : file(std::move(from)) {}
  status open_fields();
  status open_values();
  status open_numbers();
  status open_words();
  status open_names();
};

}  // namespace argosy

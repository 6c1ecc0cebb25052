// Rows of different lengths, end to end in one section of a container, with the section NAME_offset that divides them; checked when opened.
// Not for other rooms.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "base/status.hpp"
#include "data/utf8.hpp"
#include "schema/container.hpp"

namespace argosy {

inline status corrupt(const container_reader& file, std::string_view section, const std::string& why) {
  return {errc::corrupt, file.path().string() + ": " + std::string(section) + ": " + why};
}

template <class T>
struct rows {
  std::span<const std::uint64_t> offset;
  std::span<const T> held;

  std::span<const T> operator[](std::uint64_t row) const { return held.subspan(offset[row], offset[row + 1] - offset[row]); }
};

// (n + 1), from 0 to `last`, rising, no row longer than `longest`.
inline status check_offsets(const container_reader& file, std::string_view name, std::span<const std::uint64_t> offset, std::uint64_t n,
                            std::uint64_t last, std::uint64_t longest) {
  if (offset.size() != n + 1)
    return corrupt(file, name, "want " + std::to_string(n + 1) + " offsets, got " + std::to_string(offset.size()));
  if (offset.front() != 0 || offset.back() != last)
    return corrupt(file, name,
                   "want offsets from 0 to " + std::to_string(last) + ", got " + std::to_string(offset.front()) + " to " +
                       std::to_string(offset.back()));
  for (std::uint64_t row = 0; row < n; ++row)
    if (offset[row + 1] < offset[row] || offset[row + 1] - offset[row] > longest)
      return corrupt(file, name,
                     "row " + std::to_string(row) + ": want at most " + std::to_string(longest) + " elements, got offsets " +
                         std::to_string(offset[row]) + " and " + std::to_string(offset[row + 1]));
  return {};
}

template <class T>
result<rows<T>> open_rows(const container_reader& file, std::string_view name, std::uint64_t n,
                          std::uint64_t longest = std::numeric_limits<std::uint64_t>::max()) {
  const std::string offset_name = std::string(name) + "_offset";
  rows<T> made;
  ARGOSY_ASSIGN(made.offset, file.section<std::uint64_t>(offset_name));
  ARGOSY_ASSIGN(made.held, file.section<T>(name));
  ARGOSY_TRY(check_offsets(file, offset_name, made.offset, n, made.held.size(), longest));
  return made;
}

inline std::string_view text_of(std::span<const std::uint8_t> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline result<rows<std::uint8_t>> open_texts(const container_reader& file, std::string_view name, std::uint64_t n) {
  ARGOSY_ASSIGN(auto texts, open_rows<std::uint8_t>(file, name, n));
  for (std::uint64_t row = 0; row < n; ++row)
    if (first_invalid_utf8(text_of(texts[row])) != std::string_view::npos)
      return corrupt(file, name, "row " + std::to_string(row) + ": invalid UTF-8");
  return texts;
}

template <class T>
status check_below(const container_reader& file, std::string_view name, std::span<const T> numbers, std::uint64_t limit) {
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (numbers[i] < 0 || static_cast<std::uint64_t>(numbers[i]) >= limit)
      return corrupt(file, name,
                     "element " + std::to_string(i) + ": want less than " + std::to_string(limit) + ", got " + std::to_string(numbers[i]));
  return {};
}

}  // namespace argosy

#include "tools/format.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ostream>

namespace argosy {
namespace {

std::size_t letters_of(std::string_view utf8) noexcept {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string padding(std::size_t width, std::string_view cell) { return std::string(width - std::min(width, letters_of(cell)), ' '); }

std::string two_digits(std::uint64_t value) { return {static_cast<char>('0' + value / 10), static_cast<char>('0' + value % 10)}; }

}  // namespace

std::string grouped(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  const std::string plural = many.empty() ? std::string(one) + "s" : std::string(many);
  return grouped(count) + " " + (count == 1 ? std::string(one) : plural);
}

std::string fixed(double value, int decimals) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  if (seconds < 60) return fixed(seconds, seconds < 10 ? 1 : 0) + " s";
  const auto whole = static_cast<std::uint64_t>(seconds);
  if (whole < 3600) return std::to_string(whole / 60) + " min " + two_digits(whole % 60) + " s";
  return grouped(whole / 3600) + " h " + two_digits(whole / 60 % 60) + " min";
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> units{" kB", " MB", " GB", " TB", " PB"};
  if (bytes < 1000) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  for (; value >= 1000 && unit + 1 < units.size(); ++unit) value /= 1000;
  return fixed(value, 1) + units[unit];
}

std::string_view first_letters(std::string_view text, std::size_t letters) noexcept {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    const bool starts = (text[at] & 0xC0) != 0x80;
    if (starts && letters-- == 0) break;
  }
  return text.substr(0, at);
}

std::vector<std::size_t> text_table::widths() const {
  std::vector<std::size_t> width;
  for (const auto& row : rows_) {
    width.resize(std::max(width.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], letters_of(row[c]));
  }
  return width;
}

void text_table::print(std::ostream& out) const {
  const auto width = widths();
  for (const auto& row : rows_) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      const bool last = c + 1 == row.size();
      const bool left = c == 0 || (last && last_is_text_ && row.size() == width.size());
      if (c > 0) out << "  ";
      if (!left) out << padding(width[c], row[c]);
      out << row[c];
      if (left && !last) out << padding(width[c], row[c]);
    }
    out << '\n';
  }
}

}  // namespace argosy

#include "data/utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace argosy {
namespace {

unsigned byte_at(std::string_view text, std::size_t at) noexcept { return static_cast<unsigned char>(text[at]); }

struct lead_byte {
  unsigned length = 0;                     // 0: not a lead byte
  unsigned least = 0x80, greatest = 0xBF;  // of the second byte: Unicode standard, table 3-7
};

lead_byte lead_of(unsigned byte) noexcept {
  if (byte < 0x80) return {1};
  if (byte < 0xC2) return {};
  if (byte < 0xE0) return {2};
  if (byte < 0xF0) return {3, byte == 0xE0 ? 0xA0u : 0x80u, byte == 0xED ? 0x9Fu : 0xBFu};
  if (byte < 0xF5) return {4, byte == 0xF0 ? 0x90u : 0x80u, byte == 0xF4 ? 0x8Fu : 0xBFu};
  return {};
}

bool well_formed(std::string_view text, std::size_t at, const lead_byte& lead) noexcept {
  if (lead.length == 0 || text.size() - at < lead.length) return false;
  if (lead.length == 1) return true;
  const unsigned second = byte_at(text, at + 1);
  if (second < lead.least || second > lead.greatest) return false;
  for (unsigned i = 2; i < lead.length; ++i)
    if (!continues_code_point(text[at + i])) return false;
  return true;
}

bool eight_ascii(const char* bytes) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return (word & 0x8080808080808080u) == 0;
}

}  // namespace

std::size_t first_invalid_utf8(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 8 && eight_ascii(text.data() + at)) {
      at += 8;
      continue;
    }
    const lead_byte lead = lead_of(byte_at(text, at));
    if (!well_formed(text, at, lead)) return at;
    at += lead.length;
  }
  return std::string_view::npos;
}

char32_t next_code_point(std::string_view valid, std::size_t& at) noexcept {
  const unsigned first = byte_at(valid, at++);
  if (first < 0x80) return first;
  const unsigned more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
  char32_t point = first & (0x3Fu >> more);
  for (unsigned i = 0; i < more; ++i) point = point << 6 | (byte_at(valid, at++) & 0x3Fu);
  return point;
}

std::size_t count_code_points(std::string_view valid) noexcept {
  return static_cast<std::size_t>(std::count_if(valid.begin(), valid.end(), [](char byte) { return !continues_code_point(byte); }));
}

std::string one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return line;
}

}  // namespace argosy

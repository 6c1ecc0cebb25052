#include "net/query_string.hpp"

#include <algorithm>
#include <utility>

namespace argosy {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

result<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i] == '+' && plus_is_space ? ' ' : text[i];
      continue;
    }
    const bool whole = i + 2 < text.size();
    const int high = whole ? hex_digit(text[i + 1]) : -1, low = whole ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return status(errc::invalid_argument, "want two hexadecimal digits after % at character " + std::to_string(i + 1));
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

result<query_parameters> parse_query_string(std::string_view text) {
  query_parameters found;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    ARGOSY_ASSIGN(std::string name, percent_decoded(pair.substr(0, equals), true));
    ARGOSY_ASSIGN(std::string value, percent_decoded(pair.substr(std::min(pair.size(), equals + 1)), true));
    if (!found.emplace(name, std::move(value)).second) return status(errc::invalid_argument, "`" + name + "` is there twice");
  }
  return found;
}

}  // namespace argosy

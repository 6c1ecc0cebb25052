// The query string of a request: what is read, written again with every byte escaped, reads the same.
#include "net/query_string.hpp"

#include "tests/fuzz/target.hpp"

namespace argosy::fuzz {
namespace {

std::string escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string made;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    made += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return made;
}

void take(std::span<const std::byte> input) {
  const std::string_view text = text_of(input);
  if (const auto decoded = percent_decoded(text, false); decoded.ok()) {
    ARGOSY_CHECK(decoded->size() <= text.size());
    ARGOSY_CHECK(required(percent_decoded(escaped(*decoded), true)) == *decoded);
  }
  const auto read = parse_query_string(text);
  if (!read.ok()) return;
  std::string again;
  for (const auto& [name, value] : *read) again += escaped(name) + "=" + escaped(value) + "&";
  ARGOSY_CHECK(required(parse_query_string(again)) == *read);
}

std::vector<bytes> seeds() { return bytes_of_each({"q=red+dress&k=5&filter=brand%3a%22Nike%22", "a&b=&=c&&d==", "%2F%"}); }

const registered one({"query_string", take, seeds});

}  // namespace
}  // namespace argosy::fuzz

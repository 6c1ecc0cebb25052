#include <unicode/normalizer2.h>
#include <unicode/unistr.h>
#include <xxhash.h>

#include <algorithm>

#include "data/text.hpp"
#include "data/utf8.hpp"

namespace argosy {
namespace {

constexpr std::size_t longest_text = std::size_t{64} << 20;
constexpr char between_words = '\x1F';

bool is_ascii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

result<std::string> normalise_unicode(std::string_view utf8) {
  UErrorCode code = U_ZERO_ERROR;
  const icu::Normalizer2* nfkc = icu::Normalizer2::getNFKCInstance(code);
  if (U_FAILURE(code)) return status{errc::unavailable, std::string("ICU has no NFKC data: ") + u_errorName(code)};
  auto text = icu::UnicodeString::fromUTF8(icu::StringPiece(utf8.data(), static_cast<std::int32_t>(utf8.size())));
  text = nfkc->normalize(text, code);
  text.foldCase();
  text = nfkc->normalize(text, code);
  if (U_FAILURE(code)) return status{errc::internal, std::string("ICU cannot normalise the text: ") + u_errorName(code)};
  std::string normalised;
  text.toUTF8String(normalised);
  return normalised;
}

}  // namespace

result<std::string> normalise_text(std::string_view utf8) {
  if (is_ascii(utf8)) return lower_ascii(utf8);
  if (utf8.size() > longest_text)
    return status{errc::out_of_range, "text: want at most " + std::to_string(longest_text) + " bytes, got " + std::to_string(utf8.size())};
  if (const auto bad = first_invalid_utf8(utf8); bad != std::string_view::npos)
    return status{errc::invalid_argument, "text: invalid UTF-8 at byte " + std::to_string(bad)};
  return normalise_unicode(utf8);
}

void sort_words(std::vector<std::string>& words) { std::sort(words.begin(), words.end()); }

result<query_id> query_id_of(std::vector<std::string> words) {
  for (auto& word : words) {
    ARGOSY_ASSIGN(word, normalise_text(word));
  }
  sort_words(words);
  std::string joined;
  for (const auto& word : words) {
    if (&word != &words.front()) joined += between_words;
    joined += word;
  }
  const XXH128_hash_t hash = XXH3_128bits(joined.data(), joined.size());
  return query_id{static_cast<std::uint32_t>(hash.low64), hash.high64};
}

}  // namespace argosy

#include "data/word_list.hpp"

#include <unicode/uscript.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "data/utf8.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

// Murmur3's finaliser over a running sum, one character at a time, so that the hash of a word extends the hash of its prefix.
std::uint64_t extend_hash(std::uint64_t hash, char32_t character) noexcept {
  hash = (hash ^ character) * 0x9E3779B97F4A7C15ull;
  hash ^= hash >> 32;
  hash *= 0xC2B2AE3D27D4EB4Full;
  return (hash ^ (hash >> 29)) | 1u;
}

std::size_t first_character_slot(char32_t character) noexcept { return character & 0xFFFFu; }

struct path_step {
  double log_probability = 0;
  std::size_t end = 0;  // of the word that starts here, in characters
};

}  // namespace

bool is_han(char32_t character) noexcept {
  if (character < 0x2E80) return false;
  if (character >= 0x4E00 && character <= 0x9FFF) return true;
  UErrorCode code = U_ZERO_ERROR;
  return uscript_getScript(static_cast<UChar32>(character), &code) == USCRIPT_HAN && U_SUCCESS(code);
}

std::size_t word_list::place_of(std::uint64_t hash) const noexcept { return hash >> 20 & (slots_.size() - 1); }

// A table of this size is beyond the caches: places are asked for ahead, or loading would wait for each in turn.
void word_list::fill(std::span<const slot> words) {
  constexpr std::size_t ahead = 16;
  slots_.assign(std::bit_ceil(2 * words.size() + 1), slot{});
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i + ahead < words.size()) __builtin_prefetch(&slots_[place_of(words[i + ahead].hash)], 1);
    std::size_t at = place_of(words[i].hash);
    while (slots_[at].hash != 0 && slots_[at].hash != words[i].hash) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = words[i];
  }
}

const word_list::slot* word_list::find(std::uint64_t hash) const noexcept {
  for (std::size_t at = place_of(hash); slots_[at].hash != 0; at = (at + 1) & (slots_.size() - 1))
    if (slots_[at].hash == hash) return &slots_[at];
  return nullptr;
}

status word_list::take_line(std::string_view line, std::vector<slot>& words, std::uint64_t* total) {
  const std::size_t space = line.find(' ');
  std::uint64_t frequency = 0;
  if (space != std::string_view::npos && space > 0) std::from_chars(line.data() + space + 1, line.data() + line.size(), frequency);
  if (frequency == 0 || frequency > 1'000'000'000'000)
    return {errc::corrupt, "want `word frequency`, got `" + std::string(line.substr(0, 80)) + "`"};
  *total += frequency;
  const std::string_view word = line.substr(0, space);
  std::uint64_t hash = 0;
  std::size_t characters = 0, at = 0;
  char32_t first = 0;
  while (at < word.size()) {
    const char32_t character = next_code_point(word, at);
    if (!is_han(character)) return {};
    if (characters++ == 0) first = character;
    hash = extend_hash(hash, character);
  }
  words.push_back({hash, std::log(static_cast<float>(frequency))});
  auto& longest = longest_[first_character_slot(first)];
  longest = static_cast<std::uint8_t>(std::max<std::size_t>(longest, std::min<std::size_t>(characters, 255)));
  return {};
}

result<word_list> word_list::load(const std::filesystem::path& path) {
  ARGOSY_ASSIGN(const std::string content, read_file(path, largest_file));
  if (const auto bad = first_invalid_utf8(content); bad != std::string_view::npos)
    return status{errc::corrupt, path.string() + ": invalid UTF-8 at byte " + std::to_string(bad)};
  word_list list;
  std::vector<slot> words;
  std::uint64_t total = 0, number = 0;
  for (std::string_view rest = content; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (const status taken = list.take_line(line, words, &total); !taken.ok())
      return taken.within(path.string() + ":" + std::to_string(number));
  }
  if (total == 0) return status{errc::corrupt, path.string() + ": want lines of `word frequency`, got an empty file"};
  list.fill(words);
  list.log_total_ = std::log(static_cast<double>(total));
  return list;
}

void word_list::segment(std::string_view run, std::vector<std::string>& words) const {
  std::vector<std::size_t> byte{0};
  std::vector<char32_t> character;
  for (std::size_t at = 0; at < run.size(); byte.push_back(at)) character.push_back(next_code_point(run, at));
  const std::size_t length = character.size();

  std::vector<path_step> path(length + 1);
  for (std::size_t start = length; start-- > 0;) {
    path_step best{path[start + 1].log_probability - log_total_, start + 1};
    std::uint64_t hash = 0;
    const std::size_t longest = std::min<std::size_t>(length, start + longest_[first_character_slot(character[start])]);
    for (std::size_t end = start + 1; end <= longest; ++end) {
      hash = extend_hash(hash, character[end - 1]);
      const slot* word = find(hash);
      if (word == nullptr) continue;
      const double log_probability = word->log_frequency - log_total_ + path[end].log_probability;
      if (log_probability > best.log_probability) best = {log_probability, end};
    }
    path[start] = best;
  }
  for (std::size_t start = 0; start < length; start = path[start].end)
    words.emplace_back(run.substr(byte[start], byte[path[start].end] - byte[start]));
}

}  // namespace argosy

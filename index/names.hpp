// Names of values in words: how they are written in the dictionary of terms.argosy, and which spans of a text hold them.
//   exact      the words with blanks between: `palm tree`
//   singular   of fields of `endings`: `~` and the words without the English plural, `~casual shoe`. Of whole values and their last words.
// Not for other rooms.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace argosy {

inline constexpr std::size_t longest_name = 8;  // words (ours)

// The plural dropped (ours; after Harman, JASIS 42, 1991, whose stemmer leaves `watches` and `watch` apart): dresses, shoes, accessories.
std::string singular_of(std::string_view word);
std::string exact_name(std::span<const std::string> words);
std::string singular_name(std::span<const std::string> words);
// Calls `take` with spans of words, the longest first and then from the left, that overlap none it has taken.
void for_each_span(std::span<const std::string> words, const std::function<bool(std::size_t first, std::size_t count)>& take);

}  // namespace argosy

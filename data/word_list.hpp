// Words of Han by maximum probability over a list of words with frequencies (the format of jieba's dict.txt: `word frequency ...` a line).
// The best path through all words that the run holds, by the sum of log frequencies; a character that no word covers stands alone with
// frequency 1, so every run has a path. Words of the list that are not Han throughout are counted into the total and left out.
// Threads   immutable, may be shared.   Cost  32 to 64 bytes of memory a word, one pass over the list to load it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"

namespace argosy {

bool is_han(char32_t) noexcept;

class word_list {
public:
  static constexpr std::uint64_t largest_file = std::uint64_t{256} << 20;  // bytes
  static result<word_list> load(const std::filesystem::path&);
  // Appends the words of a run of Han.   REQUIRES valid UTF-8.
  void segment(std::string_view run, std::vector<std::string>& words) const;

private:
  // Words are known by a 64-bit hash alone: with 2^19 of them a wrong hit has a chance of 2^-45.
  struct slot {
    std::uint64_t hash = 0;  // 0: free
    float log_frequency = 0;
  };
  std::size_t place_of(std::uint64_t hash) const noexcept;
  void fill(std::span<const slot> words);
  const slot* find(std::uint64_t hash) const noexcept;
  status take_line(std::string_view line, std::vector<slot>& words, std::uint64_t* total);

  std::vector<slot> slots_ = std::vector<slot>(1);                           // a power of two, at most half full
  std::vector<std::uint8_t> longest_ = std::vector<std::uint8_t>(1u << 16);  // characters of the longest word, by its first character
  double log_total_ = 0;
};

}  // namespace argosy

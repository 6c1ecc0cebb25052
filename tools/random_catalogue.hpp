// A catalogue at random, for benchmarks of words, filters and changes; the same for the same number of rows.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "index/terms.hpp"

namespace argosy {

// Text as it is, and words between blanks.
text_rules plain_rules();
// Words as frequent as in a language: Zipf's law, by inverting the integral of 1 / rank.
std::string drawn_word(std::uint64_t seed, std::uint32_t row, std::uint32_t at);

// For each share two fields that are `yes` for the cube root of it, and a number from 0 to 1. Titles of 8 words.
struct random_catalogue {
  static constexpr std::array shares{0.5, 0.1, 0.01, 0.001, 0.0001};

  std::vector<std::string> titles, texts;
  std::vector<std::vector<std::uint32_t>> values;
  terms_source source;  // of this object: neither is copied

  explicit random_catalogue(std::size_t rows);
  random_catalogue(const random_catalogue&) = delete;
  random_catalogue& operator=(const random_catalogue&) = delete;

private:
  void add_row(std::uint32_t row);
};

}  // namespace argosy

// A set of the rows of an index, one bit a row: what a filter keeps. Searches take one and answer with its rows alone.
//     words()[r / 64] >> (r % 64) & 1   row r is in the set; bits from rows() on are zero
// Cost      rows() / 8 bytes; a test is one load.
// Threads   those of a const container.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/check.hpp"

namespace argosy {

class row_set {
public:
  static row_set all(std::size_t rows) {
    std::vector<std::uint64_t> words((rows + 63) / 64, ~std::uint64_t{0});
    if (rows % 64 != 0) words.back() = (std::uint64_t{1} << (rows % 64)) - 1;
    return {rows, std::move(words)};
  }
  // Of rows 0 to rows - 1, none of them in it.
  explicit row_set(std::size_t rows) : rows_(rows), words_((rows + 63) / 64) {}
  // REQUIRES (rows + 63) / 64 words, bits from `rows` on zero.
  row_set(std::size_t rows, std::vector<std::uint64_t> words) : rows_(rows), words_(std::move(words)) {
    ARGOSY_CHECK(words_.size() == (rows + 63) / 64 && (rows % 64 == 0 || words_.back() >> (rows % 64) == 0));
    for (const std::uint64_t word : words_) size_ += static_cast<std::size_t>(std::popcount(word));
  }

  std::size_t rows() const noexcept { return rows_; }
  std::size_t size() const noexcept { return size_; }  // how many are in it
  bool contains(std::uint32_t row) const noexcept { return (words_[row / 64] >> (row % 64) & 1) != 0; }
  std::span<const std::uint64_t> words() const noexcept { return words_; }

  void insert(std::uint32_t row) {
    ARGOSY_CHECK(row < rows_);
    size_ += contains(row) ? 0 : 1;
    words_[row / 64] |= std::uint64_t{1} << (row % 64);
  }
  void erase(std::uint32_t row) {
    ARGOSY_CHECK(row < rows_);
    size_ -= contains(row) ? 1 : 0;
    words_[row / 64] &= ~(std::uint64_t{1} << (row % 64));
  }
  // Keeps what is in the other too. REQUIRES as many rows.
  void intersect(const row_set& other) {
    ARGOSY_CHECK(rows_ == other.rows_);
    size_ = 0;
    for (std::size_t w = 0; w < words_.size(); ++w) size_ += static_cast<std::size_t>(std::popcount(words_[w] &= other.words_[w]));
  }
  // Rows first to first + rows - 1 as a set of their own. REQUIRES them to be rows of this.
  row_set slice(std::size_t first, std::size_t rows) const {
    ARGOSY_CHECK(first <= rows_ && rows <= rows_ - first);
    std::vector<std::uint64_t> words((rows + 63) / 64);
    const auto word = [this](std::size_t w) { return w < words_.size() ? words_[w] : 0; };
    const std::size_t from = first / 64, by = first % 64;
    for (std::size_t w = 0; w < words.size(); ++w)
      words[w] = by == 0 ? word(from + w) : word(from + w) >> by | word(from + w + 1) << (64 - by);
    if (rows % 64 != 0) words.back() &= (std::uint64_t{1} << (rows % 64)) - 1;
    return {rows, std::move(words)};
  }
  // This one's rows, and after them those of the other.
  row_set followed_by(const row_set& other) const {
    std::vector<std::uint64_t> words((rows_ + other.rows_ + 63) / 64);
    std::copy(words_.begin(), words_.end(), words.begin());
    const std::size_t at = rows_ / 64, by = rows_ % 64;
    for (std::size_t w = 0; w < other.words_.size(); ++w) {
      words[at + w] |= other.words_[w] << by;
      if (by != 0 && at + w + 1 < words.size()) words[at + w + 1] |= other.words_[w] >> (64 - by);
    }
    return {rows_ + other.rows_, std::move(words)};
  }
  // Calls `take` with every row, rising.
  template <class Take>
  void for_each(Take&& take) const {
    for (std::size_t w = 0; w < words_.size(); ++w) {
      for (std::uint64_t left = words_[w]; left != 0; left &= left - 1) {
        take(static_cast<std::uint32_t>(64 * w + static_cast<std::size_t>(std::countr_zero(left))));
      }
    }
  }

private:
  std::size_t rows_, size_ = 0;
  std::vector<std::uint64_t> words_;
};

}  // namespace argosy

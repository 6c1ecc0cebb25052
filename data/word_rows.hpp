// Texts in memory while data is prepared: strings end to end, distinct words, and rows of them by number.
// Threads   each object belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace argosy {

class string_pool {
public:
  void add(std::string_view text) {
    bytes_.append(text);
    offset_.push_back(bytes_.size());
  }
  std::size_t size() const noexcept { return offset_.size() - 1; }
  std::string_view operator[](std::size_t i) const { return std::string_view(bytes_).substr(offset_[i], offset_[i + 1] - offset_[i]); }

private:
  std::string bytes_;
  std::vector<std::uint64_t> offset_{0};
};

// Each distinct word once, numbered in the order of its first use.
class word_table {
public:
  std::uint32_t number_of(const std::string& word) {
    if (const auto found = number_.find(word); found != number_.end()) return found->second;
    words_.push_back(word);
    number_.emplace(words_.back(), static_cast<std::uint32_t>(words_.size() - 1));
    return static_cast<std::uint32_t>(words_.size() - 1);
  }
  std::optional<std::uint32_t> find(std::string_view word) const {
    const auto found = number_.find(word);
    return found == number_.end() ? std::nullopt : std::optional(found->second);
  }
  const std::deque<std::string>& words() const noexcept { return words_; }

private:
  std::deque<std::string> words_;  // a deque, so that the views stay
  std::unordered_map<std::string_view, std::uint32_t> number_;
};

class word_rows {
public:
  void add(std::span<const std::string> words, word_table& table) {
    for (const auto& word : words) word_.push_back(table.number_of(word));
    offset_.push_back(word_.size());
  }
  std::size_t size() const noexcept { return offset_.size() - 1; }
  std::span<const std::uint32_t> operator[](std::size_t row) const {
    return std::span(word_).subspan(offset_[row], offset_[row + 1] - offset_[row]);
  }

private:
  std::vector<std::uint32_t> word_;
  std::vector<std::uint64_t> offset_{0};
};

}  // namespace argosy

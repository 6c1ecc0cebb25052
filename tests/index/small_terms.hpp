// A catalogue of a few fields at random, its terms, and what a plain program says of it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "index/terms.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {

// ASCII alone: what these tests write needs no more.
inline result<std::string> fold_ascii(std::string_view text) {
  std::string folded(text);
  for (char& c : folded)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return folded;
}

inline result<std::vector<std::string>> split_ascii(std::string_view text) {
  std::vector<std::string> words(1);
  const std::string folded = fold_ascii(text).value();
  for (const char c : folded) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (letter) words.back() += c;
    if (!letter && !words.back().empty()) words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

inline const text_rules ascii_rules{fold_ascii, split_ascii};

struct small_product {
  std::string title;
  std::vector<std::pair<std::string, std::string>> values;  // field and text
};

// A terms.argosy of these products. Fields whose name begins with `n` are of numbers.
class small_terms {
public:
  explicit small_terms(const std::vector<small_product>& products, std::vector<restricted_field> restricted = {},
                       std::vector<name_alias> aliases = {}) {
    terms_source source;
    std::map<std::string, std::uint32_t> fields;
    std::map<std::pair<std::string, std::string>, std::uint32_t> values;
    std::vector<std::vector<std::uint32_t>> of(products.size());
    for (std::size_t row = 0; row < products.size(); ++row) {
      for (const auto& value : products[row].values) {
        if (fields.emplace(value.first, static_cast<std::uint32_t>(fields.size())).second)
          source.fields.push_back({value.first, number_or_any_text(value.first.starts_with('n'))});
        const auto [place, is_new] = values.emplace(value, static_cast<std::uint32_t>(values.size()));
        if (is_new) source.values.push_back({fields.at(value.first), place->first.second});
        of[row].push_back(place->second);
      }
    }
    source.rows = products.size();
    source.title = [&](std::size_t row) { return std::string_view(products[row].title); };
    source.values_of = [&](std::size_t row) { return std::span<const std::uint32_t>(of[row]); };
    source.restricted = std::move(restricted);
    source.aliases = std::move(aliases);
    require_ok(write_terms(path(), source, ascii_rules));
  }

  std::filesystem::path path() const { return folder_ / "terms.argosy"; }
  terms open() const {
    auto opened = terms::open(path());
    require_ok(opened.failure());
    return std::move(*opened);
  }

private:
  scratch_folder folder_{memory_parent()};
};

// Numbers below `limit`, always the same.
class draws {
public:
  explicit draws(std::uint64_t seed) : seed_(seed) {}
  std::size_t below(std::size_t limit) { return random_bits({seed_, 0, 0}, 0, at_++) % limit; }

private:
  std::uint64_t seed_;
  std::uint32_t at_ = 0;
};

}  // namespace argosy::test

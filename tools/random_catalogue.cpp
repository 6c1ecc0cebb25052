#include "tools/random_catalogue.hpp"

#include <algorithm>
#include <cmath>

#include "base/random.hpp"

namespace argosy {
namespace {

constexpr std::uint32_t words = 50000, words_of_title = 8;

result<std::string> as_it_is(std::string_view text) { return std::string(text); }

result<std::vector<std::string>> at_blanks(std::string_view text) {
  std::vector<std::string> found;
  for (std::size_t first = 0; first < text.size();) {
    const std::size_t end = std::min(text.find(' ', first), text.size());
    if (end > first) found.emplace_back(text.substr(first, end - first));
    first = end + 1;
  }
  return found;
}

}  // namespace

text_rules plain_rules() { return {as_it_is, at_blanks}; }

std::string drawn_word(std::uint64_t seed, std::uint32_t row, std::uint32_t at) {
  const double u = random_uniform({seed, row, 0}, 0, at);
  return "w" + std::to_string(static_cast<std::uint32_t>(std::pow(static_cast<double>(words), u)));
}

random_catalogue::random_catalogue(std::size_t rows) {
  source.rows = rows;
  texts.reserve(rows);
  for (std::uint32_t f = 0; f < 2 * shares.size(); ++f) {
    source.fields.push_back({"f" + std::to_string(f)});
    source.values.push_back({f, "no"});
    source.values.push_back({f, "yes"});
  }
  source.fields.push_back({"price", field_kind::number});
  for (std::uint32_t row = 0; row < rows; ++row) add_row(row);
  source.title = [this](std::size_t row) { return std::string_view(titles[row]); };
  source.values_of = [this](std::size_t row) { return std::span<const std::uint32_t>(values[row]); };
}

void random_catalogue::add_row(std::uint32_t row) {
  std::string title;
  for (std::uint32_t i = 0; i < words_of_title; ++i) title += drawn_word(1, row, i) + " ";
  titles.push_back(std::move(title));
  std::vector<std::uint32_t> of;
  for (std::uint32_t f = 0; f < 2 * shares.size(); ++f)
    of.push_back(2 * f + (random_uniform({2, row, 0}, f, 0) < std::cbrt(shares[f / 2]) ? 1 : 0));
  texts.push_back(std::to_string(random_uniform({2, row, 0}, 99, 0)));
  of.push_back(static_cast<std::uint32_t>(source.values.size()));
  source.values.push_back({static_cast<std::uint32_t>(2 * shares.size()), texts.back()});
  values.push_back(std::move(of));
}

}  // namespace argosy

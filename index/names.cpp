#include "index/names.hpp"

#include <algorithm>

namespace argosy {
namespace {

bool ends_with_any(std::string_view word, std::initializer_list<std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(), [word](std::string_view end) { return word.ends_with(end); });
}

template <class Form>
std::string joined(std::span<const std::string> words, std::string name, Form form) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) name += ' ';
    name += form(words[i]);
  }
  return name;
}

}  // namespace

std::string singular_of(std::string_view word) {
  if (word.size() < 4 || ends_with_any(word, {"ss", "us", "is"})) return std::string(word);
  if (word.size() > 4 && word.ends_with("ies")) return std::string(word.substr(0, word.size() - 3)) + "y";
  if (ends_with_any(word, {"sses", "shes", "ches", "xes", "zes"})) return std::string(word.substr(0, word.size() - 2));
  return std::string(word.ends_with('s') ? word.substr(0, word.size() - 1) : word);
}

std::string exact_name(std::span<const std::string> words) {
  return joined(words, "", [](const std::string& word) { return std::string_view(word); });
}

std::string singular_name(std::span<const std::string> words) { return joined(words, "~", singular_of); }

void for_each_span(std::span<const std::string> words, const std::function<bool(std::size_t, std::size_t)>& take) {
  std::vector<bool> taken(words.size());
  for (std::size_t count = std::min(words.size(), longest_name); count > 0; --count) {
    for (std::size_t first = 0; first + count <= words.size(); ++first) {
      const auto begin = taken.begin() + static_cast<std::ptrdiff_t>(first), end = begin + static_cast<std::ptrdiff_t>(count);
      if (std::find(begin, end, true) == end && take(first, count)) std::fill(begin, end, true);
    }
  }
}

}  // namespace argosy

// Filters: what is read, written out again reads the same; what it keeps and what its negation keeps are all rows.
#include "index/filter.hpp"

#include <charconv>
#include <cmath>

#include "data/text.hpp"
#include "index/terms.hpp"
#include "tests/fuzz/target.hpp"

namespace argosy::fuzz {
namespace {

using kind = filter_node::kind;

std::string quoted_text(std::string_view text) {
  std::string made = "\"";
  for (const char c : text) made += c == '"' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
  return made + "\"";
}

std::string bound(double value) {
  if (std::isinf(value)) return "*";
  char text[32];
  return {text, std::to_chars(std::begin(text), std::end(text), value).ptr};
}

std::string written(const filter_node& node);

std::string joined(const filter_node& node, std::string_view word) {
  std::string made;
  for (const filter_node& part : node.of) {
    const bool wrapped = part.is == kind::any_of || part.is == node.is;
    made += (made.empty() ? "" : " " + std::string(word) + " ") + (wrapped ? "(" + written(part) + ")" : written(part));
  }
  return made;
}

std::string range_text(const filter_node& node) {
  const number_range& of = node.range;
  const std::string field = quoted_text(node.field.written);
  if (of.low_in && of.high_in) return field + ":[" + bound(of.low) + " TO " + bound(of.high) + "]";
  return std::isinf(of.low) ? field + "<" + bound(of.high) : field + ">" + bound(of.low);
}

std::string written(const filter_node& node) {
  switch (node.is) {
    case kind::all_of: return joined(node, "AND");
    case kind::any_of: return joined(node, "OR");
    case kind::none_of: {
      const bool alone = node.of.front().is != kind::all_of && node.of.front().is != kind::any_of;
      return alone ? "NOT " + written(node.of.front()) : "NOT (" + written(node.of.front()) + ")";
    }
    case kind::range: return range_text(node);
    case kind::values: break;
  }
  std::string made = quoted_text(node.field.written) + ":(";
  for (const filter_value& value : node.values) made += (made.back() == '(' ? "" : " OR ") + quoted_text(value.written);
  return made + ")";
}

bool same(const filter_value& a, const filter_value& b) { return a.written == b.written && a.folded == b.folded; }

bool same(const filter_node& a, const filter_node& b) {
  const auto nodes = [](const filter_node& x, const filter_node& y) { return same(x, y); };
  const auto values = [](const filter_value& x, const filter_value& y) { return same(x, y); };
  const number_range &r = a.range, &s = b.range;
  return a.is == b.is && same(a.field, b.field) && std::equal(a.of.begin(), a.of.end(), b.of.begin(), b.of.end(), nodes) &&
         std::equal(a.values.begin(), a.values.end(), b.values.begin(), b.values.end(), values) && r.low == s.low && r.high == s.high;
}

// Of four products with a brand and a price.
const terms& small_terms() {
  static const std::string_view brands[] = {"Nike", "\"Zorro\"", "连衣裙", "A > B"}, prices[] = {"10", "20.5", "-3", "1e9"};
  static const std::uint32_t values[4][2] = {{0, 4}, {1, 5}, {2, 6}, {3, 7}};
  static const terms made = [] {
    terms_source source;
    source.rows = 4;
    source.fields = {{"brand"}, {"price", field_kind::number}};
    for (const std::string_view brand : brands) source.values.push_back({0, brand});
    for (const std::string_view price : prices) source.values.push_back({1, price});
    source.title = [](std::size_t) { return std::string_view("red dress"); };
    source.values_of = [](std::size_t row) { return std::span<const std::uint32_t>(values[row]); };
    const auto words = [](std::string_view text) { return result<std::vector<std::string>>(std::vector<std::string>{std::string(text)}); };
    return required(terms::make(source, {normalise_text, words}));
  }();
  return made;
}

void check_rows(const filter_node& node) {
  const auto kept = small_terms().keep(node);
  const auto about = small_terms().estimate(node);
  ARGOSY_CHECK(kept.ok() == about.ok());
  if (!kept.ok()) return;
  ARGOSY_CHECK(*about >= 0 && *about <= 4);
  filter_node negation;
  negation.is = kind::none_of;
  negation.of.push_back(node);
  const row_set others = required(small_terms().keep(negation));
  for (std::uint32_t row = 0; row < 4; ++row) ARGOSY_CHECK(kept->contains(row) != others.contains(row));
}

void take(std::span<const std::byte> input) {
  const auto node = parse_filter(text_of(input), normalise_text);
  if (!node.ok()) return;
  check_rows(*node);
  const std::string again = written(*node);
  if (again.size() <= most_filter_bytes) ARGOSY_CHECK(same(required(parse_filter(again, normalise_text)), *node));
}

std::vector<bytes> seeds() {
  return bytes_of_each({"brand:\"nike\" AND NOT (brand:zorro OR price:>=500)", "price:[* TO 20.5] OR brand:(\"a > b\" OR 连衣裙)",
                        "price<1e9 AND price=10 AND NOT NOT brand:\"\\\"Zorro\\\"\"", "((price:[1 TO *]))"});
}

const registered one({"filter", take, seeds});

}  // namespace
}  // namespace argosy::fuzz

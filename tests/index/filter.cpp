#include "index/filter.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/index/small_terms.hpp"

namespace argosy {
namespace {

using test::check_refused;
using test::draws;

result<filter_node> parse(std::string_view text) { return parse_filter(text, test::fold_ascii); }

void check_error(std::string_view text, std::initializer_list<std::string_view> parts) {
  check_refused(parse(text).failure(), errc::invalid_argument, parts);
}

std::vector<std::uint32_t> kept(const terms& from, std::string_view text) {
  const auto filter = parse(text);
  test::require_ok(filter.failure());
  const auto rows = from.keep(*filter);
  test::require_ok(rows.failure());
  std::vector<std::uint32_t> all;
  rows->for_each([&](std::uint32_t row) { all.push_back(row); });
  return all;
}

using row_list = std::vector<std::uint32_t>;

const std::vector<test::small_product> shoes = {
    {"a", {{"brand", "Nike"}, {"n price", "100"}, {"path", "Apparel > Shoes > Sports Shoes"}, {"a.Pattern", "Solid"}}},
    {"b", {{"brand", "nike"}, {"n price", "250.5"}, {"path", "Apparel > Shirts"}}},
    {"c", {{"brand", "Palm \"Tree\""}, {"n price", "500"}, {"colour", "red"}, {"colour", "blue"}, {"a.Pattern", "Dots"}}},
    {"d", {{"colour", "blue"}, {"a.Fit", "slim"}, {"b.Fit", "wide"}, {"about", std::string(200, 'x')}}},
};

// A random filter and the rows that it keeps, found the plain way.
class random_filter {
public:
  random_filter(const std::vector<test::small_product>& products, draws& from) : products_(products), from_(from) {}

  std::pair<std::string, std::vector<bool>> make(int depth) {
    const std::size_t choice = depth == 0 ? 3 + from_.below(4) : from_.below(7);
    if (choice == 0) return negation(depth);
    if (choice <= 2) return pair(depth, choice == 1);
    return choice == 6 ? range() : values();
  }

private:
  template <class Test>
  std::vector<bool> where(const std::string& field, Test test) const {
    std::vector<bool> rows(products_.size());
    for (std::size_t r = 0; r < rows.size(); ++r)
      for (const auto& [name, text] : products_[r].values) rows[r] = rows[r] || (name == field && test(text));
    return rows;
  }

  std::pair<std::string, std::vector<bool>> negation(int depth) {
    auto [text, rows] = make(depth - 1);
    rows.flip();
    return {"NOT (" + text + ")", std::move(rows)};
  }

  std::pair<std::string, std::vector<bool>> pair(int depth, bool both) {
    auto [left, rows] = make(depth - 1);
    const auto [right, others] = make(depth - 1);
    for (std::size_t r = 0; r < rows.size(); ++r) rows[r] = both ? rows[r] && others[r] : rows[r] || others[r];
    return {"(" + left + (both ? ") AND (" : ") OR (") + right + ")", std::move(rows)};
  }

  std::pair<std::string, std::vector<bool>> values() {
    const std::string field = "f" + std::to_string(from_.below(3));
    std::set<std::string> wanted;
    std::string text;
    for (std::size_t i = 0; i <= from_.below(3); ++i) {
      const std::string value = "V" + std::to_string(from_.below(12));  // some are no product's
      wanted.insert(value);
      text += (text.empty() ? "" : " OR ") + value;
    }
    return {field + ":(" + text + ")", where(field, [&](const std::string& v) { return wanted.contains(v); })};
  }

  std::pair<std::string, std::vector<bool>> range() {
    const int low = static_cast<int>(from_.below(100)), high = static_cast<int>(from_.below(100));
    const std::string a = std::to_string(low), b = std::to_string(high);
    switch (from_.below(4)) {
      case 0:
        return {"n:[" + a + " TO " + b + "]",
                where("n", [&](const std::string& v) { return std::stoi(v) >= low && std::stoi(v) <= high; })};
      case 1: return {"n<" + a, where("n", [&](const std::string& v) { return std::stoi(v) < low; })};
      case 2: return {"n:>=" + a, where("n", [&](const std::string& v) { return std::stoi(v) >= low; })};
      default: return {"n:" + a, where("n", [&](const std::string& v) { return std::stoi(v) == low; })};
    }
  }

  const std::vector<test::small_product>& products_;
  draws& from_;
};

std::vector<test::small_product> random_products(std::size_t count, draws& from) {
  std::vector<test::small_product> products(count);
  for (auto& product : products) {
    for (const std::string field : {"f0", "f1", "f2"}) {
      for (std::size_t i = 0; i < from.below(3); ++i)
        product.values.push_back({field, "V" + std::to_string(std::min(from.below(10), from.below(10)))});
    }
    if (from.below(5) > 0) product.values.push_back({"n", std::to_string(from.below(100))});
  }
  return products;
}

void check_random_filters(std::size_t products, std::size_t filters, std::uint64_t seed) {
  draws from(seed);
  const auto catalogue = random_products(products, from);
  const test::small_terms made(catalogue);
  const terms opened = made.open();
  std::size_t wrong = 0, kept_some = 0;
  for (std::size_t i = 0; i < filters; ++i) {
    const auto [text, expected] = random_filter(catalogue, from).make(3);
    const auto filter = parse(text);
    test::require_ok(filter.failure());
    const auto rows = opened.keep(*filter);
    test::require_ok(rows.failure());
    for (std::size_t r = 0; r < products; ++r) wrong += rows->contains(static_cast<std::uint32_t>(r)) != expected[r] ? 1 : 0;
    kept_some += rows->size() > 0 && rows->size() < products ? 1 : 0;
    const auto about = opened.estimate(*filter);
    BOOST_TEST_REQUIRE((about.ok() && *about >= 0 && *about <= static_cast<double>(products) * 1.0001));
  }
  BOOST_TEST(wrong == 0u);
  BOOST_TEST(kept_some > filters / 2);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(filters)

BOOST_AUTO_TEST_CASE(values_compare_folded) {
  const test::small_terms made(shoes);
  const terms of = made.open();
  BOOST_TEST(kept(of, "brand:NIKE") == (row_list{0, 1}));
  BOOST_TEST(kept(of, "BRAND:\"palm \\\"tree\\\"\"") == row_list{2});
  BOOST_TEST(kept(of, "brand:adidas") == row_list{});
  BOOST_TEST(kept(of, "colour:(red OR blue)") == (row_list{2, 3}));
  BOOST_TEST(kept(of, "NOT brand:nike") == (row_list{2, 3}));
  BOOST_TEST(kept(of, "colour:blue AND NOT colour:red OR brand:nike AND \"n price\">200") == (row_list{1, 3}));
}

BOOST_AUTO_TEST_CASE(a_path_is_found_at_every_level) {
  const test::small_terms made(shoes);
  const terms of = made.open();
  BOOST_TEST(kept(of, "path:apparel") == (row_list{0, 1}));
  BOOST_TEST(kept(of, "path:\"Apparel > Shoes\"") == row_list{0});
  BOOST_TEST(kept(of, "path:shoes") == row_list{0});
  BOOST_TEST(kept(of, "path:\"Apparel > Shoes > Sports Shoes\"") == row_list{0});
  BOOST_TEST(kept(of, "path:\"Sports Shoes\"") == row_list{0});
  BOOST_TEST(kept(of, "path:\"Shoes > Sports Shoes\"") == row_list{});
}

BOOST_AUTO_TEST_CASE(ranges_of_numbers) {
  const test::small_terms made(shoes);
  const terms of = made.open();
  BOOST_TEST(kept(of, "\"n price\":[100 TO 250.5]") == (row_list{0, 1}));
  BOOST_TEST(kept(of, "\"n price\":[* TO 100]") == row_list{0});
  BOOST_TEST(kept(of, "\"n price\":[300 TO *]") == row_list{2});
  BOOST_TEST(kept(of, "\"n price\">100") == (row_list{1, 2}));
  BOOST_TEST(kept(of, "\"n price\":>=100") == (row_list{0, 1, 2}));
  BOOST_TEST(kept(of, "\"n price\" < 100") == row_list{});
  BOOST_TEST(kept(of, "\"n price\"=500") == row_list{2});
  BOOST_TEST(kept(of, "\"n price\":(500 OR 1e2)") == (row_list{0, 2}));
  BOOST_TEST(kept(of, "\"n price\":[500 TO 100]") == row_list{});
}

BOOST_AUTO_TEST_CASE(fields_of_an_object_go_by_their_last_name_when_it_is_one_of_them) {
  const test::small_terms made(shoes);
  const terms of = made.open();
  BOOST_TEST(kept(of, "pattern:solid") == row_list{0});
  BOOST_TEST(kept(of, "a.pattern:dots") == row_list{2});
  check_refused(of.keep(*parse("brand:nike AND fit:slim")).failure(), errc::invalid_argument,
                {"column 16", "more than one", "a.Fit, b.Fit"});
}

BOOST_AUTO_TEST_CASE(a_field_that_records_write_in_several_ways_is_one) {
  const test::small_terms made({{"a", {{"brand", "Nike"}, {"n", "1"}}},
                                {"b", {{"Brand", "nike"}, {"nN", "2"}}},
                                {"c", {{"BRAND", "Puma"}}},
                                {"d", {{"x.Fit", "slim"}}},
                                {"e", {{"X.fit", "Slim"}, {"nn", "3"}}}});
  const terms of = made.open();
  BOOST_TEST(kept(of, "brand:nike") == (row_list{0, 1}));
  BOOST_TEST(kept(of, "NOT Brand:nike") == (row_list{2, 3, 4}));
  BOOST_TEST(kept(of, "fit:slim") == (row_list{3, 4}));
  BOOST_TEST(kept(of, "nn:[2 TO 3]") == (row_list{1, 4}));
  BOOST_TEST(*of.estimate(*parse("brand:(nike OR puma)")) == 3.0);
}

BOOST_AUTO_TEST_CASE(errors_point_at_the_column) {
  check_error("", {"filter, column 1: want a field, found the end"});
  check_error("brand:nike AND AND", {"column 16: want a field, found \"AND\""});
  check_error("brand:", {"column 7: want a value, found the end"});
  check_error("brand nike", {"column 7: want \":\" or a comparison after the field, found \"nike\""});
  check_error("(brand:nike", {"column 12: want \")\", found the end"});
  check_error("brand:nike)", {"column 11: want AND, OR or the end, found \")\""});
  check_error("brand:\"nike", {"column 7: the quote that begins here has no end"});
  check_error("颜色:红 AND (", {"column 11: want a field, found the end"});
  check_error("price:[1 2]", {"column 10: want TO, found \"2\""});
  check_error("price:[a TO 2]", {"column 8: want a number, found \"a\""});
  check_error("price>", {"column 7: want a number, found the end"});
  check_error("price>1e999", {"column 7: want a number"});
  check_error("a:(b AND c)", {"column 6: want OR or \")\", found \"AND\""});
  const test::small_terms made(shoes);
  const terms of = made.open();
  const auto refused = [&](std::string_view text, std::initializer_list<std::string_view> parts) {
    check_refused(of.keep(*parse(text)).failure(), errc::invalid_argument, parts);
    check_refused(of.estimate(*parse(text)).failure(), errc::invalid_argument, parts);
  };
  refused("color:red", {"column 1: no field is called color", "colour"});
  refused("brand:nike OR \"n price\":cheap", {"column 25: want a number, found \"cheap\""});
  refused("brand>5", {"column 1: brand has values that are no numbers"});
  refused("about:x", {"column 1: about holds long texts"});
}

BOOST_AUTO_TEST_CASE(limits_of_length_depth_and_conditions) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '(') + "a:b" + std::string(depth, ')'); };
  test::check_ok(parse(nested(most_filter_depth)).failure());
  check_refused(parse(nested(most_filter_depth + 1)).failure(), errc::out_of_range, {"column 33"});
  std::string negated = "a:b";
  for (std::size_t i = 0; i < 4000; ++i) negated.insert(0, "NOT ");
  check_refused(parse(negated).failure(), errc::out_of_range, {"column 129"});
  check_refused(parse(std::string(most_filter_bytes, ' ') + "a:b").failure(), errc::out_of_range, {"16384"});
  std::string many = "a:(b";
  for (std::size_t i = 1; i < most_filter_conditions; ++i) many += " OR b";
  test::check_ok(parse(many + ")").failure());
  check_refused(parse(many + " OR b)").failure(), errc::out_of_range, {"1024"});
}

BOOST_AUTO_TEST_CASE(ten_thousand_random_filters_keep_what_a_plain_program_keeps) {
  check_random_filters(300, 9000, 1);
  check_random_filters(20000, 900, 2);
  check_random_filters(70000, 100, 3);
}

BOOST_AUTO_TEST_CASE(estimates_of_one_condition_are_exact) {
  draws from(4);
  const auto catalogue = random_products(500, from);
  const test::small_terms made(catalogue);
  const terms of = made.open();
  for (const char* text : {"f0:V1", "n<50", "n:7", "NOT f1:V0", "f2:V99"})
    BOOST_TEST(*of.estimate(*parse(text)) == static_cast<double>(of.keep(*parse(text))->size()));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

#include "index/terms.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "index/fusion.hpp"
#include "index/posting.hpp"
#include "index/top_hits.hpp"
#include "tests/index/small_terms.hpp"
#include "tests/support/bytes.hpp"

namespace argosy {
namespace {

using test::check_refused;
using test::draws;
using words = std::vector<std::string>;

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::vector<std::uint32_t> members(const row_set& set) {
  std::vector<std::uint32_t> all;
  set.for_each([&](std::uint32_t row) { all.push_back(row); });
  return all;
}

// Few, many and runs, beyond one container of 65,536 rows and up to its borders.
std::vector<std::vector<std::uint32_t>> row_lists() {
  std::vector<std::vector<std::uint32_t>> lists{{}, {0}, {65535}, {65536}, {199999}};
  std::vector<std::uint32_t> sparse, half, run;
  for (std::uint32_t r = 0; r < 200000; ++r) {
    if (r % 97 == 5) sparse.push_back(r);
    if (random_bits({1, 0, 0}, 0, r) % 2 == 0) half.push_back(r);
    if (r > 60000 && r < 180000) run.push_back(r);
  }
  lists.insert(lists.end(), {sparse, half, run});
  return lists;
}

std::vector<test::small_product> random_titles(std::size_t count, draws& from) {
  std::vector<test::small_product> products(count);
  for (auto& product : products) {
    for (std::size_t i = 0; i < from.below(6); ++i) product.title += " w" + std::to_string(std::min(from.below(30), from.below(30)));
    for (std::size_t i = 0; i < from.below(3); ++i) product.values.push_back({"f", "w" + std::to_string(from.below(40))});
  }
  return products;
}

// BM25 as terms.hpp defines it, with plain loops.
std::vector<hit> bm25_reference(const std::vector<test::small_product>& products, const words& query, std::size_t k, const row_set* allowed,
                                const bm25_options& options) {
  const auto n = static_cast<double>(products.size());
  std::vector<std::map<std::string, double>> counts(products.size());
  std::vector<double> length(products.size());
  double all = 0;
  for (std::size_t r = 0; r < products.size(); ++r) {
    const auto add = [&](const std::string& text, double weight) {
      const words all_words = test::split_ascii(text).value();
      for (const auto& word : all_words) {
        if (weight > 0) counts[r][word] += weight;
        length[r] += weight;
      }
    };
    add(products[r].title, 1);
    for (const auto& [field, text] : products[r].values) add(text, options.field_weight);
    all += length[r];
  }
  std::vector<hit> scored;
  for (std::size_t r = 0; r < products.size(); ++r) {
    double score = 0;
    for (const auto& word : query) {
      double with = 0;
      for (const auto& of : counts) with += of.contains(word) ? 1 : 0;
      if (!counts[r].contains(word)) continue;
      const double tf = counts[r].at(word), idf = std::log(1 + (n - with + 0.5) / (with + 0.5));
      score += idf * tf * (options.k1 + 1) / (tf + options.k1 * (1 - options.b + options.b * length[r] / (all / n)));
    }
    const auto row = static_cast<std::uint32_t>(r);
    if (score > 0 && (allowed == nullptr || allowed->contains(row))) scored.push_back({row, static_cast<float>(score)});
  }
  std::sort(scored.begin(), scored.end(), better);
  if (scored.size() > k) scored.resize(k);
  return scored;
}

void compare(const std::vector<hit>& found, const std::vector<hit>& expected) {
  BOOST_TEST_REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) BOOST_TEST(std::abs(found[i].score - expected[i].score) <= 1e-5f * expected[i].score);
}

std::string described(const terms& of, const std::vector<name_match>& names) {
  std::string all;
  for (const auto& name : names) {
    all += name.text + "@" + std::to_string(name.first_word) + "=" + std::string(of.field_name(name.field)) + ":";
    for (const auto value : name.values) all += std::string(of.value_text(value)) + ",";
    all += ";";
  }
  return all;
}

const std::vector<test::small_product> shop = {
    {"nike running shoes", {{"brand", "Nike"}, {"category", "Sports Shoes"}}},
    {"nike court casual shoes", {{"brand", "Nike"}, {"category", "Casual Shoes"}}},
    {"palm tree printed dress", {{"brand", "Palm Tree"}, {"category", "Dresses"}}},
    {"basics shirt", {{"brand", "Basics"}, {"category", "Shirts"}}},
    {"basics of a wardrobe shirt", {{"brand", "Other"}, {"category", "Shirts"}}},
    {"basics dress", {{"brand", "Other"}, {"category", "Dresses"}}},
};
const std::vector<restricted_field> brand_and_category{{"Brand", false}, {"category", true}, {"none such", true}};

}  // namespace

BOOST_AUTO_TEST_SUITE(terms_of_a_generation)

BOOST_AUTO_TEST_CASE(postings_come_back) {
  for (const auto& rows : row_lists()) {
    const auto bytes = encode_posting(rows);
    const auto list = decode_posting(bytes_of(bytes), 200000, rows.size());
    test::require_ok(list.failure());
    BOOST_TEST(members(rows_of(*list, 200000)) == rows);
    std::vector<std::uint32_t> backwards(rows.rbegin(), rows.rend());
    BOOST_TEST((posting_of(backwards, 200000) == *list));
  }
}

BOOST_AUTO_TEST_CASE(postings_that_are_not_what_they_should_be_are_refused) {
  for (const auto& rows : row_lists()) {
    const auto bytes = encode_posting(rows);
    BOOST_TEST(!decode_posting(bytes_of(bytes), 200000, rows.size() + 1).ok());
    if (!rows.empty()) BOOST_TEST(!decode_posting(bytes_of(bytes), rows.back(), rows.size()).ok());
    BOOST_TEST(!decode_posting(bytes_of(bytes + "x"), 200000, rows.size()).ok());
    for (std::size_t cut = 0; cut < bytes.size(); cut += 1 + bytes.size() / 50)
      BOOST_TEST(!decode_posting(bytes_of(bytes.substr(0, cut)), 200000, rows.size()).ok());
  }
}

// Whatever is accepted must be a set that CRoaring can work with.
BOOST_AUTO_TEST_CASE(damaged_postings_are_refused_or_sound) {
  draws from(7);
  for (const auto& rows : row_lists()) {
    const auto good = encode_posting(rows);
    for (int i = 0; i < 300; ++i) {
      auto bytes = good;
      bytes[from.below(std::min<std::size_t>(bytes.size(), i % 2 == 0 ? 24 : bytes.size()))] = static_cast<char>(from.below(256));
      const auto list = decode_posting(bytes_of(bytes), 200000, rows.size());
      if (list.ok()) BOOST_TEST(members(rows_of(*list & *list, 200000)).size() == rows.size());
    }
  }
}

BOOST_AUTO_TEST_CASE(every_flipped_byte_is_found) {
  const test::small_terms made(shop, brand_and_category);
  const auto whole = [&] {
    const auto opened = terms::open(made.path());
    return opened.ok() && opened->verify().ok();
  };
  BOOST_TEST(whole());
  BOOST_TEST(test::unnoticed_flips(made.path(), whole) == 0u);
}

BOOST_AUTO_TEST_CASE(without_products_or_fields_there_is_nothing_to_find) {
  const test::small_terms made(std::vector<test::small_product>{});
  const terms of = made.open();
  BOOST_TEST(of.rows() == 0u);
  BOOST_TEST(of.search(words{"a"}, 3, nullptr, {})->empty());
  BOOST_TEST(of.names_in(words{"a"}, 0)->empty());
  check_refused(of.keep(*parse_filter("a:b", test::fold_ascii)).failure(), errc::invalid_argument, {"the products have no fields"});
}

BOOST_AUTO_TEST_CASE(bm25_is_what_its_formula_says) {
  draws from(5);
  for (const std::size_t count : {1u, 2u, 500u}) {
    const auto products = random_titles(count, from);
    const test::small_terms made(products);
    const terms of = made.open();
    row_set odd(count);
    for (std::uint32_t r = 1; r < count; r += 2) odd.insert(r);
    for (const bm25_options& options : {bm25_options{}, bm25_options{.k1 = 2, .b = 0.2, .field_weight = 0.5}, {.field_weight = 1}}) {
      for (int i = 0; i < 20; ++i) {
        words query;
        for (std::size_t w = 0; w <= from.below(4); ++w) query.push_back("w" + std::to_string(from.below(35)));
        for (const row_set* allowed : {static_cast<const row_set*>(nullptr), static_cast<const row_set*>(&odd)})
          compare(*of.search(query, 7, allowed, options), bm25_reference(products, query, 7, allowed, options));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(bm25_of_more_rows_than_a_block) {
  std::vector<test::small_product> products(70000);
  for (const std::size_t row : {0u, 32767u, 32768u, 65536u, 69999u}) products[row].title = "w";
  const test::small_terms made(products);
  const auto found = made.open().search(words{"w"}, 10, nullptr, {});
  BOOST_TEST_REQUIRE(found->size() == 5u);
  std::vector<std::uint32_t> rows;
  for (const hit& one : *found) rows.push_back(one.row);
  BOOST_TEST(rows == (std::vector<std::uint32_t>{0, 32767, 32768, 65536, 69999}));
}

BOOST_AUTO_TEST_CASE(bm25_refuses_what_it_cannot_do) {
  const test::small_terms made(shop);
  const terms of = made.open();
  const row_set other(5);
  check_refused(of.search(words{"a"}, 0, nullptr, {}).failure(), errc::invalid_argument, {"k"});
  check_refused(of.search(words{"a"}, 1, nullptr, {.b = 1.5}).failure(), errc::invalid_argument, {"b from 0 to 1"});
  check_refused(of.search(words{"a"}, 1, &other, {}).failure(), errc::shape_mismatch, {"6", "5"});
}

BOOST_AUTO_TEST_CASE(names_are_found_longest_first_in_singular_and_plural) {
  const test::small_terms made(shop, brand_and_category);
  const terms of = made.open();
  const auto names = [&](const words& query) { return described(of, *of.names_in(query, 0.5f)); };
  BOOST_TEST(names({"nike", "shoes"}) == "nike@0=brand:Nike,;shoes@1=category:Casual Shoes,Sports Shoes,;");
  BOOST_TEST(names({"casual", "shoe", "nike"}) == "casual shoe@0=category:Casual Shoes,;nike@2=brand:Nike,;");
  BOOST_TEST(names({"dress", "palm", "tree"}) == "palm tree@1=brand:Palm Tree,;dress@0=category:Dresses,;");
  BOOST_TEST(names({"palm", "casual", "nikes"}) == "");
}

BOOST_AUTO_TEST_CASE(a_brand_that_is_a_common_word_restricts_nothing) {
  const test::small_terms made(shop, brand_and_category);
  const terms of = made.open();
  BOOST_TEST(described(of, *of.names_in(words{"basics"}, 0.5f)) == "");  // one of three titles with the word is the brand's
  const auto found = of.names_in(words{"basics"}, 0.3f);
  BOOST_TEST_REQUIRE(found->size() == 1u);
  BOOST_TEST(std::abs(found->front().evidence - 1.0f / 3) < 1e-6f);
}

BOOST_AUTO_TEST_CASE(names_keep_the_rows_of_any_value_of_a_field_and_of_all_fields) {
  const test::small_terms made(shop, brand_and_category);
  const terms of = made.open();
  const auto rows = [&](const words& query) { return members(*of.keep(*of.names_in(query, 0.5f))); };
  BOOST_TEST(rows({"nike", "shoes"}) == (std::vector<std::uint32_t>{0, 1}));
  BOOST_TEST(rows({"nike", "sports", "shoes"}) == (std::vector<std::uint32_t>{0}));
  BOOST_TEST(rows({"dress", "or", "shirt"}) == (std::vector<std::uint32_t>{2, 3, 4, 5}));
  BOOST_TEST(rows({"nike", "dress"}).empty());
  BOOST_TEST(rows({"wardrobe"}).size() == shop.size());
}

BOOST_AUTO_TEST_CASE(aliases_are_names) {
  const test::small_terms made(shop, brand_and_category, {{"Sneakers", "CATEGORY", "casual shoes"}, {"swoosh brand", "brand", "nike"}});
  const terms of = made.open();
  BOOST_TEST(described(of, *of.names_in(words{"swoosh", "brand", "sneakers"}, 1)) ==
             "swoosh brand@0=brand:Nike,;sneakers@2=category:Casual Shoes,;");
  terms_source wrong;
  wrong.rows = 0;
  wrong.title = [](std::size_t) { return std::string_view(); };
  wrong.values_of = [](std::size_t) { return std::span<const std::uint32_t>(); };
  wrong.aliases = {{"x", "brand", "none"}};
  const test::scratch_folder folder;
  check_refused(write_terms(folder / "t", wrong, test::ascii_rules), errc::not_found, {"alias `x`", "brand:\"none\""});
  BOOST_TEST(!std::filesystem::exists(folder / "t"));
}

BOOST_AUTO_TEST_CASE(fusion_sums_reciprocal_ranks) {
  const std::vector<hit> a{{1, 9}, {2, 8}}, b{{2, 1}, {3, 0.5}};
  const channel_list both[] = {{a, 1}, {b, 2}};
  const auto fused = fuse(both, 10);
  BOOST_TEST_REQUIRE(fused.size() == 3u);
  BOOST_TEST(fused[0].row == 2u);
  BOOST_TEST(fused[0].channels == 3u);
  BOOST_TEST(std::abs(fused[0].score - (1.0 / 62 + 2.0 / 61)) < 1e-12);
  BOOST_TEST(fused[1].row == 3u);
  BOOST_TEST(fused[1].channels == 2u);
  BOOST_TEST(fused[2].row == 1u);
  const channel_list silent[] = {{a, 1}, {b, 0}};
  BOOST_TEST(fuse(silent, 1).size() == 1u);
  BOOST_TEST(fuse(silent, 1)[0].row == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

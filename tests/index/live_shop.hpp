// A small shop that changes at random, and what a plain program says of it.
#pragma once

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "index/generation.hpp"
#include "index/inner_product.hpp"
#include "index/live_generation.hpp"
#include "tests/index/small_terms.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {

inline constexpr std::size_t shop_columns = 8;
inline const std::vector<std::string> shop_brands{"Nike", "Puma", "Asics", "Fila"}, shop_nouns{"shoe", "shirt", "watch", "belt", "sock"};

// Product `id` in its version `version`: what it is follows from both.
inline product_change made_product(std::size_t id, std::uint64_t version) {
  draws of(1000 * version + id + 1);
  const std::string& brand = shop_brands[of.below(shop_brands.size())];
  product_change product;
  product.id = "p" + std::to_string(id);
  product.title = brand + " " + shop_nouns[of.below(shop_nouns.size())] + " " + std::to_string(of.below(50));
  product.image = product.id + ".jpg";
  product.fields = {{"brand", brand, false}, {"nprice", std::to_string(of.below(100)), true}};
  for (std::uint32_t c = 0; c < shop_columns; ++c)
    product.vector.push_back(static_cast<float>(random_normal({version * 7919 + id, 1, 0}, 0, c)));
  return product;
}

inline product_change removal_of(const std::string& id) {
  product_change removed;
  removed.id = id;
  removed.removed = true;
  return removed;
}

// What there is, by id.
using shop_contents = std::map<std::string, product_change>;

inline void change(shop_contents& shop, const std::vector<product_change>& changes) {
  for (const auto& one : changes) {
    shop.erase(one.id);
    if (!one.removed) shop.emplace(one.id, one);
  }
}

// The files of a generation with fields and words, in the order of the ids.
inline void write_shop(generation_writer& to, const shop_contents& shop) {
  std::vector<float> vectors;
  std::vector<product_facts> facts;
  std::vector<small_product> described;
  for (const auto& [id, product] : shop) {
    vectors.insert(vectors.end(), product.vector.begin(), product.vector.end());
    facts.push_back({product.id, product.title, product.image});
    described.push_back({product.title, {}});
    for (const auto& value : product.fields) described.back().values.emplace_back(value.field, value.text);
  }
  const auto rows = static_cast<std::int64_t>(facts.size());
  require_ok(to.write(view_of(std::as_const(vectors).data(), rows, shop_columns), facts));
  const small_terms words(described, {{"brand", false}});
  std::filesystem::copy_file(words.path(), to.path() / terms_file_name);
}

inline generation publish_shop(const std::filesystem::path& store, const shop_contents& shop) {
  auto writer = generation_writer::create(store);
  require_ok(writer.failure());
  write_shop(*writer, shop);
  require_ok(writer->publish());
  auto opened = generation::open_current(store);
  require_ok(opened.failure());
  return std::move(*opened);
}

inline shop_contents first_shop(std::size_t products) {
  shop_contents shop;
  for (std::size_t id = 0; id < products; ++id) change(shop, {made_product(id, 0)});
  return shop;
}

// Some puts, of new ids and of old ones, and some removals.
inline std::vector<product_change> drawn_changes(draws& of, std::size_t ids, std::uint64_t version) {
  std::vector<product_change> changes;
  for (std::size_t i = 0, count = 1 + of.below(12); i < count; ++i) {
    const std::size_t id = of.below(ids);
    changes.push_back(of.below(3) == 0 ? removal_of("p" + std::to_string(id)) : made_product(id, version));
  }
  return changes;
}

// Everything there is, and nothing else, by id.
inline void check_contents(const live_generation& live, const shop_contents& shop) {
  BOOST_TEST(live.products() == shop.size());
  std::size_t there = 0;
  for (std::uint32_t row = 0; row < live.rows(); ++row) {
    if (!live.is_there(row)) continue;
    ++there;
    const auto found = shop.find(std::string(live.facts(row).id));
    BOOST_REQUIRE_MESSAGE(found != shop.end(), live.facts(row).id << " is there no more");
    BOOST_TEST(live.facts(row).title == found->second.title);
    BOOST_TEST(live.row_of(found->first).value() == row);
  }
  BOOST_TEST(there == shop.size());
}

// The answers of a search over what `keep` keeps, beside those of a loop over the shop.
template <class Keep>
void check_search(const live_generation& live, const shop_contents& shop, const row_set* allowed, std::uint64_t seed, Keep keep) {
  const product_change query = made_product(seed, 99);
  std::vector<std::pair<float, std::string>> expected;
  for (const auto& [id, product] : shop)
    if (keep(product)) expected.emplace_back(-inner_product(query.vector.data(), product.vector.data(), shop_columns), id);
  std::sort(expected.begin(), expected.end());
  const auto found = live.search(view_of(query.vector.data(), 1, shop_columns), {.k = 10, .allowed = allowed});
  require_ok(found.failure());
  const auto& hits = found->front();
  BOOST_REQUIRE(hits.size() == std::min<std::size_t>(10, expected.size()));
  for (std::size_t i = 0; i < hits.size(); ++i) {
    BOOST_TEST(live.facts(hits[i].row).id == expected[i].second, i);
    BOOST_TEST(hits[i].score == -expected[i].first);
  }
}

}  // namespace argosy::test

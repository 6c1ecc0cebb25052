#include "index/live_generation.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/index/live_shop.hpp"
#include "tests/support/folders.hpp"

using namespace argosy;
using namespace argosy::test;

namespace {

filter_node filter(const std::string& text) {
  auto parsed = parse_filter(text, fold_ascii);
  require_ok(parsed.failure());
  return std::move(*parsed);
}

live_generation after(const live_generation& before, std::vector<product_change> changes) {
  auto next = before.after(std::move(changes), ascii_rules);
  require_ok(next.failure());
  return std::move(*next);
}

const std::string& value_of(const product_change& product, std::string_view field) {
  return std::find_if(product.fields.begin(), product.fields.end(), [&](const auto& value) { return value.field == field; })->text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(live_generations)

// Searches, filters, names and look-ups beside a plain program, at every moment of many changes.
BOOST_AUTO_TEST_CASE(every_moment_answers_as_a_plain_program) {
  const scratch_folder scratch(memory_parent());
  shop_contents shop = first_shop(150);
  live_generation live(publish_shop(scratch / "store", shop));
  draws of(5);
  for (std::uint64_t version = 1; version <= 60; ++version) {
    const auto changes = drawn_changes(of, 300, version);
    change(shop, changes);
    live = after(live, changes);
    check_contents(live, shop);
    check_search(live, shop, nullptr, version, [](const auto&) { return true; });
    const auto kept = live.keep(filter("brand:nike AND NOT nprice:>=50"));
    require_ok(kept.failure());
    const auto keeps = [](const product_change& product) {
      return value_of(product, "brand") == "Nike" && std::stoi(value_of(product, "nprice")) < 50;
    };
    BOOST_TEST(kept->size() ==
               static_cast<std::size_t>(std::count_if(shop.begin(), shop.end(), [&](const auto& one) { return keeps(one.second); })));
    check_search(live, shop, &*kept, version, keeps);
    const std::vector<std::string> words{"puma"};
    const auto names = live.published().catalogue_terms()->names_in(words, 0);
    require_ok(names.failure());
    const auto named = live.keep(*names);
    require_ok(named.failure());
    check_search(live, shop, &*named, version, [](const auto& product) { return value_of(product, "brand") == "Puma"; });
  }
  BOOST_TEST(live.gone() > 0u);
  BOOST_TEST(live.put() > 100u);
}

BOOST_AUTO_TEST_CASE(segments_stay_few_whatever_is_put_together) {
  const scratch_folder scratch(memory_parent());
  const live_generation published(publish_shop(scratch / "store", first_shop(20)));
  for (const std::size_t together : {1u, 7u, 9u, 50u, 65u, 513u, 600u, 2049u, 4096u}) {
    live_generation live = published;
    std::size_t rows = 0;
    while (rows < (together < 50 ? 1 : 3) * most_segment_rows) {
      std::vector<product_change> puts;
      for (std::size_t i = 0; i < together; ++i) puts.push_back(made_product(1000 + rows++, 1));
      live = after(live, puts);
      // Each of the large ones is at least half full; of the others there are fewer than joined_parts of a size.
      BOOST_TEST_REQUIRE(live.segments() <= 2 * rows / most_segment_rows + 5 * joined_parts, together << " together, " << rows << " rows");
    }
  }
}

// By words: the same products as have them in their titles, and scores as if all were one collection.
BOOST_AUTO_TEST_CASE(words_are_found_in_all_parts_and_weigh_the_same) {
  const scratch_folder scratch(memory_parent());
  shop_contents shop = first_shop(100);
  live_generation live(publish_shop(scratch / "published", shop));
  std::vector<product_change> puts;
  for (std::size_t id = 100; id < 180; ++id) puts.push_back(made_product(id, 0));
  for (std::size_t first = 0; first < puts.size(); first += 7) {
    const std::vector<product_change> some(puts.begin() + static_cast<std::ptrdiff_t>(first),
                                           puts.begin() + static_cast<std::ptrdiff_t>(std::min(first + 7, puts.size())));
    live = after(live, some);
  }
  change(shop, puts);
  const live_generation whole(publish_shop(scratch / "whole", shop));
  for (const auto& words : std::vector<std::vector<std::string>>{{"watch"}, {"nike", "shoes"}, {"nothing"}, {"fila", "belt", "7"}}) {
    const auto found = live.search(words, 200, nullptr, {.field_weight = 0.3});
    const auto expected = whole.search(words, 200, nullptr, {.field_weight = 0.3});
    require_ok(found.failure());
    require_ok(expected.failure());
    BOOST_REQUIRE(found->size() == expected->size());
    std::map<std::string, float> scores;
    for (const hit& one : *expected) scores.emplace(whole.facts(one.row).id, one.score);
    for (const hit& one : *found)
      BOOST_TEST(scores.at(std::string(live.facts(one.row).id)) == one.score, boost::test_tools::tolerance(1e-5f));
  }
}

BOOST_AUTO_TEST_CASE(an_old_moment_stays_as_it_was) {
  const scratch_folder scratch(memory_parent());
  const shop_contents shop = first_shop(20);
  const live_generation before(publish_shop(scratch / "store", shop));
  const live_generation put = after(before, {made_product(3, 1), made_product(30, 1)});
  const live_generation removed = after(put, {removal_of("p3"), removal_of("p30"), removal_of("p4"), removal_of("never there")});
  check_contents(before, shop);
  BOOST_TEST(!before.changed());
  BOOST_TEST(put.products() == 21u);
  BOOST_TEST(put.facts(put.row_of("p3").value()).title == made_product(3, 1).title);
  const std::uint32_t p3 = before.row_of("p3").value(), p5 = before.row_of("p5").value();
  BOOST_TEST(put.row_now(p3).value() >= 20u);
  BOOST_TEST(removed.products() == 18u);
  BOOST_TEST(!removed.row_now(p3).has_value());
  BOOST_TEST(removed.row_now(p5).value() == p5);
  BOOST_TEST((put.put_at(put.row_of("p30").value()) == made_product(30, 1)));
}

BOOST_AUTO_TEST_CASE(the_last_change_of_a_product_counts) {
  const scratch_folder scratch(memory_parent());
  const live_generation before(publish_shop(scratch / "store", first_shop(5)));
  const live_generation live =
      after(before, {made_product(1, 1), removal_of("p1"), made_product(1, 2), made_product(2, 1), removal_of("p2")});
  BOOST_TEST(live.products() == 4u);
  BOOST_TEST(live.facts(live.row_of("p1").value()).title == made_product(1, 2).title);
  BOOST_TEST(!live.row_of("p2").has_value());
}

BOOST_AUTO_TEST_CASE(everything_may_go) {
  const scratch_folder scratch(memory_parent());
  live_generation live(publish_shop(scratch / "store", first_shop(3)));
  live = after(live, {removal_of("p0"), removal_of("p1"), removal_of("p2")});
  BOOST_TEST(live.products() == 0u);
  const auto found = live.search(view_of(made_product(0, 0).vector.data(), 1, shop_columns), {.k = 3});
  require_ok(found.failure());
  BOOST_TEST(found->front().empty());
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused_by_name) {
  const scratch_folder scratch(memory_parent());
  const live_generation live(publish_shop(scratch / "store", first_shop(3)));
  product_change wrong = made_product(7, 0);
  wrong.vector.pop_back();
  check_refused(live.check(wrong), errc::invalid_argument, {"p7", "8 columns", "got 7"});
  wrong = made_product(7, 0);
  wrong.vector[2] = std::numeric_limits<float>::quiet_NaN();
  BOOST_TEST(!live.check(wrong).ok());
  wrong = made_product(7, 0);
  wrong.fields[1].text = "cheap";
  check_refused(live.check(wrong), errc::invalid_argument, {"p7", "nprice", "want a number", "cheap"});
  check_refused(live.check({}), errc::invalid_argument, {"want an id"});
  BOOST_TEST(!live.after({made_product(8, 0), wrong}, ascii_rules).ok());
  wrong = made_product(7, 0);
  wrong.fields.push_back({"colour", "red", false});
  check_ok(live.check(wrong));
}

BOOST_AUTO_TEST_SUITE_END()

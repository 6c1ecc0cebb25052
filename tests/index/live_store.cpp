#include "index/live_store.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <optional>

#include "index/store.hpp"
#include "tests/index/live_shop.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/killed_child.hpp"
#include "tests/support/small_disk.hpp"

using namespace argosy;
using namespace argosy::test;
namespace fs = std::filesystem;

namespace {

result<text_rules> rules(const generation&) { return ascii_rules; }

std::unique_ptr<live_store> open_store(const fs::path& store) {
  auto opened = live_store::open(store, rules);
  require_ok(opened.failure());
  return std::move(*opened);
}

live_generation read_store(const fs::path& store) {
  auto opened = open_live(store, rules);
  require_ok(opened.failure());
  return std::move(*opened);
}

shop_contents contents_of(const live_generation& live) {
  shop_contents shop;
  for (std::uint32_t row = 0; row < live.rows(); ++row) {
    if (!live.is_there(row)) continue;
    const product_facts facts = live.facts(row);
    shop[std::string(facts.id)].title = facts.title;
  }
  return shop;
}

// A generation of what there is at the mark.
result<generation_writer> rebuilt(const fs::path& store, const live_store::mark& from, const shop_contents& shop) {
  ARGOSY_ASSIGN(auto writer, generation_writer::create_from(store, from.moment.published()));
  fs::remove(writer.path() / terms_file_name);
  write_shop(writer, shop);
  ARGOSY_TRY(writer.seal());
  return writer;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(live_stores)

BOOST_AUTO_TEST_CASE(changes_are_there_when_the_store_is_opened_again) {
  const scratch_folder scratch(memory_parent());
  const fs::path store = scratch / "store";
  shop_contents shop = first_shop(50);
  publish_shop(store, shop);
  draws of(3);
  for (std::uint64_t version = 1; version < 20; ++version) {
    const auto live = open_store(store);
    for (int i = 0; i < 3; ++i) {
      const auto changes = drawn_changes(of, 90, 100 * version + static_cast<std::uint64_t>(i));
      change(shop, changes);
      check_ok(live->apply(changes));
    }
    check_contents(live->now(), shop);
    check_contents(read_store(store), shop);
  }
}

// A reader that goes on has at each moment what one has who opens the store: after changes, none, a cut, another generation.
BOOST_AUTO_TEST_CASE(a_reader_goes_on_from_where_it_was) {
  const scratch_folder scratch(memory_parent());
  const fs::path store = scratch / "store";
  shop_contents shop = first_shop(50);
  publish_shop(store, shop);
  auto reader = open_mark(store, rules);
  require_ok(reader.failure());
  BOOST_TEST(reader->journal_bytes == 0u);
  const auto go_on = [&] {
    auto next = read_on(store, rules, *reader);
    require_ok(next.failure());
    reader = std::move(next);
    check_contents(reader->moment, shop);
    BOOST_TEST(state_at(*reader) == state_of_store(store).value());
  };
  go_on();
  auto live = open_store(store);
  draws of(5);
  for (std::uint64_t version = 1; version < 20; ++version) {
    const auto changes = drawn_changes(of, 90, 100 * version);
    change(shop, changes);
    check_ok(live->apply(changes));
    if (version % 3 != 0) go_on();
    if (version % 4 == 0) go_on();
  }
  go_on();
  BOOST_TEST(state_at(live->begin()) == state_at(*reader));
  BOOST_TEST(live->is_current().value());

  const std::string journal = bytes_of_file(store / "changes/000001.journal");
  const auto unfinished = reader->journal_bytes;
  write_bytes(store / "changes/000001.journal", journal + "half a record");
  auto next = read_on(store, rules, *reader);
  require_ok(next.failure());
  BOOST_TEST(next->journal_bytes == unfinished);
  check_contents(next->moment, shop);

  // What was read is cut off, and a writer begins again from what is left.
  live.reset();
  write_bytes(store / "changes/000001.journal", journal.substr(0, 64));
  shop = first_shop(50);
  go_on();

  // The place of a change that failed after it was read is another's, of as many bytes.
  const std::string before = bytes_of_file(store / "changes/000001.journal");
  const auto put = [&](const char* title) {
    live = open_store(store);
    product_change one = made_product(1, 3);
    one.title = title;
    check_ok(live->apply({one}));
    live.reset();
    return one;
  };
  put("Nike shoe 1");
  const auto read_too_early = read_on(store, rules, *reader);
  require_ok(read_too_early.failure());
  write_bytes(store / "changes/000001.journal", before);
  change(shop, {put("Puma belt 2")});
  BOOST_TEST(state_of_store(store).value() == state_at(*read_too_early));
  reader = read_too_early;
  go_on();

  shop = first_shop(7);
  live = open_store(store);
  publish_shop(store, shop);
  BOOST_TEST(!live->is_current().value());
  go_on();
  BOOST_TEST(reader->moment.published().number() == 2u);
}

BOOST_AUTO_TEST_CASE(one_writes_and_others_read) {
  const scratch_folder scratch(memory_parent());
  const fs::path store = scratch / "store";
  shop_contents shop = first_shop(5);
  publish_shop(store, shop);
  check_contents(read_store(store), shop);
  const auto live = open_store(store);
  check_refused(live_store::open(store, rules).failure(), errc::unavailable, {"000001.journal"});
  change(shop, {made_product(1, 1)});
  check_ok(live->apply({made_product(1, 1)}));
  check_contents(read_store(store), shop);
  check_refused(live_store::open(scratch / "none", rules).failure(), errc::not_found, {"want a store"});
}

BOOST_AUTO_TEST_CASE(a_refused_change_leaves_no_trace) {
  const scratch_folder scratch(memory_parent());
  const fs::path store = scratch / "store";
  const shop_contents shop = first_shop(5);
  publish_shop(store, shop);
  {
    const auto live = open_store(store);
    product_change wrong = made_product(8, 1);
    wrong.vector.clear();
    BOOST_TEST(!live->apply({made_product(1, 1), wrong}).ok());
    check_contents(live->now(), shop);
  }
  check_contents(read_store(store), shop);
}

// A generation of the same products has the same changes, before and after; one published anew has none; going back finds them again.
BOOST_AUTO_TEST_CASE(changes_belong_to_products) {
  const scratch_folder scratch(memory_parent());
  const fs::path store = scratch / "store";
  shop_contents shop = first_shop(10);
  const generation first = publish_shop(store, shop);
  {
    const auto live = open_store(store);
    check_ok(live->apply({made_product(20, 1)}));
    auto tuned = generation_writer::create_from(store, first);
    require_ok(tuned.failure());
    check_ok(tuned->publish());
    check_ok(live->apply({removal_of("p1")}));
    change(shop, {made_product(20, 1), removal_of("p1")});
    check_contents(read_store(store), shop);
    BOOST_TEST(read_store(store).published().number() == 2u);
    // The journal loses the name by which it was opened.
    require_ok(prune_generations(store, 1).failure());
    BOOST_TEST(!fs::exists(store / "changes" / "000001.journal"));
    check_ok(live->apply({removal_of("p2")}));
    change(shop, {removal_of("p2")});
    check_contents(read_store(store), shop);
  }
  check_contents(open_store(store)->now(), shop);
  publish_shop(store, first_shop(4));
  check_contents(read_store(store), first_shop(4));
  require_ok(roll_back(store, 2).failure());
  check_contents(read_store(store), shop);
  require_ok(roll_back(store, 3).failure());
  require_ok(prune_generations(store, 1).failure());
  BOOST_TEST(!fs::exists(store / "changes" / "000002.journal"));
}

// Before there was any change too.
BOOST_AUTO_TEST_CASE(generations_of_the_same_products_share_changes_that_come_later) {
  const scratch_folder scratch(memory_parent());
  const fs::path store = scratch / "store";
  shop_contents shop = first_shop(10);
  const generation first = publish_shop(store, shop);
  auto tuned = generation_writer::create_from(store, first);
  require_ok(tuned.failure());
  check_ok(tuned->publish());
  check_ok(open_store(store)->apply({removal_of("p1")}));
  change(shop, {removal_of("p1")});
  require_ok(roll_back(store, 1).failure());
  check_contents(read_store(store), shop);
}

// What was made of a generation that is current no more would bring it back.
BOOST_AUTO_TEST_CASE(a_generation_of_an_old_one_is_not_published) {
  const scratch_folder scratch(memory_parent());
  const fs::path store = scratch / "store";
  const generation first = publish_shop(store, first_shop(10));
  auto tuned = generation_writer::create_from(store, first);
  require_ok(tuned.failure());
  publish_shop(store, first_shop(4));
  check_refused(tuned->publish(), errc::unavailable, {"became current meanwhile", "of generation 1"});
  BOOST_TEST(list_generations(store)->size() == 2u);  // 1, and the catalogue's
  check_contents(read_store(store), first_shop(4));
}

// Caught up with it or not.
BOOST_DATA_TEST_CASE(what_changes_during_compaction_goes_on_to_the_new_generation, boost::unit_test::data::make({false, true}),
                     catches_up) {
  const scratch_folder scratch(memory_parent());
  const fs::path store = scratch / "store";
  shop_contents shop = first_shop(30);
  publish_shop(store, shop);
  const auto live = open_store(store);
  change(shop, {made_product(40, 1), removal_of("p2")});
  check_ok(live->apply({made_product(40, 1), removal_of("p2")}));
  const auto mark = live->begin();
  auto made = rebuilt(store, mark, shop);
  require_ok(made.failure());
  const std::vector<product_change> meanwhile{removal_of("p40"), made_product(41, 2), made_product(3, 2)};
  change(shop, meanwhile);
  check_ok(live->apply(meanwhile));
  std::optional<caught_up> caught;
  if (catches_up) {
    caught = catch_up(store, rules, made->number(), mark, live->begin()).value();
    check_contents(caught->moment, shop);
    const std::vector<product_change> later{removal_of("p41"), made_product(3, 4), made_product(43, 1)};
    change(shop, later);
    check_ok(live->apply(later));
  }
  check_ok(live->go_on_from(mark, *made, caught));
  BOOST_TEST(live->now().published().number() == 2u);
  check_contents(live->now(), shop);
  check_contents(read_store(store), shop);
  change(shop, {made_product(42, 3)});
  check_ok(live->apply({made_product(42, 3)}));
  check_contents(read_store(store), shop);
}

BOOST_AUTO_TEST_CASE(a_catalogue_published_during_compaction_stays) {
  const scratch_folder scratch(memory_parent());
  const fs::path store = scratch / "store";
  shop_contents shop = first_shop(10);
  publish_shop(store, shop);
  const auto live = open_store(store);
  check_ok(live->apply({removal_of("p2")}));
  change(shop, {removal_of("p2")});
  const auto mark = live->begin();
  auto made = rebuilt(store, mark, shop);
  require_ok(made.failure());
  publish_shop(store, first_shop(4));
  check_refused(live->go_on_from(mark, *made), errc::unavailable, {"generation 3 became current meanwhile"});
  check_refused(live->apply({made_product(5, 1)}), errc::unavailable, {"generation 3", "of other products, became current"});
  check_contents(read_store(store), first_shop(4));
  BOOST_TEST(list_generations(store)->size() == 2u);
}

// Each child puts product after product, one version more each, and compacts; what it was told is there has to be there.
BOOST_AUTO_TEST_CASE(killed_at_any_moment_the_store_has_what_was_promised) {
  const scratch_folder scratch(memory_parent());
  const fs::path store = scratch / "store", promised = scratch / "promised";
  publish_shop(store, first_shop(30));
  write_bytes(promised, "0");
  const auto work = [&] {
    auto live = live_store::open(store, rules);
    if (!live.ok()) ::_exit(1);
    for (int i = 0; i < 4; ++i) {
      const std::uint64_t version = std::stoull(bytes_of_file(promised)) + 1;
      if (!(*live)->apply({made_product(version % 40, version)}).ok()) ::_exit(1);
      fs::create_directories(scratch / "next");
      write_bytes(scratch / "next/promised", std::to_string(version));
      fs::rename(scratch / "next/promised", promised);
    }
    const auto mark = (*live)->begin();
    shop_contents shop;
    for (std::uint32_t row = 0; row < mark.moment.rows(); ++row) {
      if (!mark.moment.is_there(row)) continue;
      const std::string id(mark.moment.facts(row).id);
      const bool put = row >= mark.moment.published().products();
      product_change one = put ? mark.moment.put_at(row) : made_product(std::stoull(id.substr(1)), 0);
      one.title = mark.moment.facts(row).title;
      shop.emplace(id, one);
    }
    auto made = rebuilt(store, mark, shop);
    if (!made.ok() || !(*live)->go_on_from(mark, *made).ok()) ::_exit(1);
    (void)prune_generations(store, 2);
  };
  const auto check = [&] {
    const shop_contents found = contents_of(open_store(store)->now());
    const std::uint64_t last = std::stoull(bytes_of_file(promised));
    for (std::uint64_t version = last > 20 ? last - 20 : 1; version <= last; ++version) {
      const std::string id = "p" + std::to_string(version % 40);
      const std::string& title = found.at(id).title;
      BOOST_TEST((title == made_product(version % 40, version).title), id << " version " << version);
    }
  };
  kill_at_random_moments(15, work, check);
  const auto numbers = list_generations(store);
  require_ok(numbers.failure());
  BOOST_TEST(numbers->size() > 1u);
}

BOOST_AUTO_TEST_CASE(a_full_disk_refuses_the_change_and_keeps_the_rest) {
  const small_disk disk(256 << 10);
  if (!disk) return;
  shop_contents shop = first_shop(5);
  publish_shop(disk / "store", shop);
  const auto live = open_store(disk / "store");
  change(shop, {made_product(9, 1)});
  check_ok(live->apply({made_product(9, 1)}));
  product_change large = made_product(10, 1);
  large.title = std::string(512 << 10, 'x');
  check_refused(live->apply({large}), errc::io_error, {"journal"});
  check_contents(live->now(), shop);
  check_ok(live->apply({removal_of("p9")}));
  change(shop, {removal_of("p9")});
  check_contents(read_store(disk / "store"), shop);
}

BOOST_AUTO_TEST_SUITE_END()

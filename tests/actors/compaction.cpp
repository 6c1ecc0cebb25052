// When a store is compacted: the decisions alone, then the actor on the deterministic scheduler; tests/system/served_compaction.cpp has the
// real server.
#include <boost/test/unit_test.hpp>
#include <optional>

#include "actors/compaction_actor.hpp"
#include "search/compaction.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/generations.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

using namespace std::chrono_literals;
using what = compaction_answer::what;

BOOST_AUTO_TEST_SUITE(compaction_watches)

BOOST_AUTO_TEST_CASE(it_is_due_at_so_many_rows_put_or_gone) {
  const steady_time now{};
  const compaction_watch watch(10, 1min);
  const auto due = [&](const changed_rows& rows) { return watch.due(rows, now); };
  BOOST_TEST(!due({1, 100, 0, 0}));
  BOOST_TEST(!due({1, 100, 9, 0}));
  BOOST_TEST(due({1, 100, 10, 0}));
  BOOST_TEST(!due({1, 100, 5, 4}));
  BOOST_TEST(due({1, 100, 5, 5}));
  BOOST_TEST(!due({1, 0, 0, 100}));  // every product was removed
  BOOST_TEST(!compaction_watch(0, 1min).due({1, 100, 1000, 1000}, now));
}

BOOST_AUTO_TEST_CASE(who_asks_is_told_what_becomes_of_it) {
  compaction_watch watch(0, 1min);
  BOOST_TEST((watch.asked({1, 100, 0, 0}) == what::unchanged));
  BOOST_TEST((watch.asked({1, 100, 1, 0}) == what::begun));
  BOOST_TEST((watch.asked({1, 0, 0, 3}) == what::empty));
  watch.begin();
  BOOST_TEST((watch.asked({1, 100, 1, 0}) == what::runs));
  watch.end(true, {});
  BOOST_TEST((watch.asked({1, 100, 0, 1}) == what::begun));
}

BOOST_AUTO_TEST_CASE(after_a_failure_it_is_due_once_the_pause_is_over) {
  const steady_time now{};
  const changed_rows many{1, 100, 50, 0};
  compaction_watch watch(10, 1min);
  watch.begin();
  BOOST_TEST(!watch.due(many, now));
  watch.end(false, now);
  BOOST_TEST(!watch.due(many, now + 59s));
  BOOST_TEST((watch.asked(many) == what::begun));
  BOOST_TEST(watch.due(many, now + 60s));
  watch.begin();
  watch.end(true, now + 60s);
  BOOST_TEST(watch.due(many, now + 60s));
}

BOOST_AUTO_TEST_SUITE_END()

// A writer of a store of three products, some of which were removed, and a builder that fails, once this test lets it.
struct compacting_store : test::deterministic_actors {
  using promise = caf::typed_response_promise<compacted_ptr>;

  compacting_store() {
    test::require_ok(test::publish_three(folder / "store").failure());
    remove(0);
    const change_actor changes = spawn([this](change_actor::pointer) -> change_actor::behavior_type {
      return {
          [](drain_atom) {},
          [](look_atom) {},
          [this](mark_atom) -> caf::result<mark_ptr> {
            return mark ? caf::result<mark_ptr>(mark) : error_of({errc::io_error, "gone"});
          },
          [](switch_atom, const compacted_ptr&) { return std::uint64_t{2}; },
      };
    });
    builder = spawn([this](compaction_builder::pointer me) -> compaction_builder::behavior_type {
      return {
          [this, me](compact_atom, const mark_ptr&) -> caf::result<compacted_ptr> {
            builds.push_back(me->make_response_promise<compacted_ptr>());
            return builds.back();
          },
          [](catchup_atom, const compacted_ptr& made, const mark_ptr&) { return made; },
          // A promise is kept within its actor alone.
          [this](prune_atom) {
            builds.back().deliver(error_of({errc::io_error, "No space left on device"}));
          },
      };
    });
    compaction =
        spawn(compacts, compaction_parts{.changes = changes, .builder = *builder, .clock = &clock, .metrics = &metrics, .after = 2});
    run();
  }
  // So many of its products.
  void remove(std::size_t count) {
    live_generation live(generation::open_current(folder / "store").value());
    std::vector<product_change> gone;
    for (std::size_t i = 0; i < count; ++i)
      gone.push_back({.id = std::string(test::three_products[i].id), .removed = true, .title = {}, .image = {}});
    if (count > 0) live = live.after(std::move(gone), {}).value();
    mark = std::make_shared<const live_mark>(live_mark{std::move(live)});
  }
  compaction_answer call() {
    compaction_answer told;
    caf::anon_send(*compaction, compact_atom_v,
                   std::make_shared<tell_compaction>([&told](const compaction_answer& answer) { told = answer; }));
    run();
    return told;
  }
  void fail() {
    BOOST_REQUIRE(!builds.empty());
    caf::anon_send(*builder, prune_atom_v);
    run();
  }
  bool tells(const std::string& line) const { return metrics.text({}).find("\n" + line + "\n") != std::string::npos; }

  test::scratch_folder folder;
  mark_ptr mark;
  std::vector<promise> builds;
  serving_metrics metrics;
  std::optional<compaction_builder> builder;
  std::optional<compaction_actor> compaction;
};

BOOST_FIXTURE_TEST_SUITE(compaction_actors, compacting_store)

BOOST_AUTO_TEST_CASE(by_itself_it_begins_once_enough_is_gone_and_not_again_while_it_runs) {
  advance(5s);
  remove(1);
  advance(5s);
  BOOST_TEST(builds.empty());
  remove(2);
  advance(1s);
  BOOST_TEST(builds.size() == 1u);
  BOOST_TEST(tells("argosy_compacting 1"));
  advance(20min);
  advance(1s);
  BOOST_TEST(builds.size() == 1u);
  BOOST_TEST((call().became == what::runs));
}

BOOST_AUTO_TEST_CASE(what_failed_is_counted_and_tried_again_after_a_pause_or_when_somebody_asks) {
  remove(2);
  advance(1s);
  fail();
  BOOST_TEST(tells("argosy_compacting 0"));
  BOOST_TEST(tells("argosy_compaction_failures_total 1"));
  for (int i = 0; i < 60; ++i) advance(9s);
  BOOST_TEST(builds.size() == 1u);
  const compaction_answer answer = call();
  BOOST_TEST((answer.became == what::begun));
  BOOST_TEST(answer.of.generation == 1u);
  BOOST_TEST(answer.of.gone == 2u);
  BOOST_TEST(builds.size() == 2u);
  fail();
  advance(9min);
  advance(1s);
  BOOST_TEST(builds.size() == 2u);
  advance(1min);
  advance(1s);
  BOOST_TEST(builds.size() == 3u);
  BOOST_TEST(tells("argosy_compaction_failures_total 2"));
  BOOST_TEST(tells("argosy_compactions_total 0"));
}

BOOST_AUTO_TEST_CASE(without_a_writer_it_says_so_and_looks_again) {
  mark = nullptr;
  const compaction_answer answer = call();
  BOOST_TEST((answer.became == what::failed));
  BOOST_TEST(answer.failure.message() == "gone");
  advance(5s);
  remove(2);
  advance(1s);
  BOOST_TEST(builds.size() == 1u);
}

BOOST_AUTO_TEST_CASE(nothing_begins_where_there_is_nothing_to_make) {
  BOOST_TEST((call().became == what::unchanged));
  remove(3);
  BOOST_TEST((call().became == what::empty));
  advance(5s);
  BOOST_TEST(builds.empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy

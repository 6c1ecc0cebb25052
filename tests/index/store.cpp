#include "index/store.hpp"

#include <boost/test/unit_test.hpp>
#include <thread>

#include "index/generation.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/generations.hpp"
#include "tests/support/killed_child.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;
using test::check_ok;
using test::check_refused;
using test::publish_three;
using test::require_ok;
using test::scratch_folder;
using numbers = std::vector<std::uint64_t>;

// STORE with generations 1 to `count`.
void publish_some(const fs::path& store, std::uint64_t count) {
  for (std::uint64_t i = 1; i <= count; ++i) require_ok(publish_three(store, i).failure());
}

std::uint64_t current_of(const fs::path& store) {
  const auto opened = generation::open_current(store);
  require_ok(opened.failure());
  return opened->number();
}

numbers numbers_of(const fs::path& store) {
  numbers found;
  const auto all = list_generations(store);
  require_ok(all.failure());
  for (const auto& one : *all) found.push_back(one.number);
  return found;
}

void flip_a_byte(const fs::path& path) {
  std::string bytes = test::bytes_of_file(path);
  bytes[bytes.size() / 2] ^= 1;
  test::write_bytes(path, bytes);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(store_of_generations)

BOOST_AUTO_TEST_CASE(a_list_tells_what_there_is) {
  const scratch_folder scratch;
  check_refused(list_generations(scratch.path()).failure(), errc::not_found, {"CURRENT"});
  publish_some(scratch.path(), 2);
  auto other = folder_writer::create(scratch / "generations/000007", "generation", 9);
  check_ok(other->seal());
  const auto all = list_generations(scratch.path());
  require_ok(all.failure());
  BOOST_REQUIRE(all->size() == 3u);
  const auto& second = (*all)[1];
  BOOST_TEST(second.number == 2u);
  BOOST_TEST((second.current && !(*all)[0].current && !(*all)[2].current));
  BOOST_TEST(second.products == 3u);
  BOOST_TEST(second.index == "index-flat");
  BOOST_TEST((second.files == std::vector<std::string>{"index.argosy", "products.argosy"}));
  BOOST_TEST(second.bytes ==
             fs::file_size(scratch / "generations/000002/index.argosy") + fs::file_size(scratch / "generations/000002/products.argosy"));
  BOOST_TEST(second.sealed.time_since_epoch().count() > 1'600'000'000);
  check_refused((*all)[2].failure, errc::version_mismatch, {"want 1", "found 9"});
}

BOOST_AUTO_TEST_CASE(going_back_and_forth) {
  const scratch_folder scratch;
  publish_some(scratch.path(), 3);
  BOOST_TEST(roll_back(scratch.path(), {}).value() == 2u);
  BOOST_TEST(roll_back(scratch.path(), {}).value() == 1u);
  check_refused(roll_back(scratch.path(), {}).failure(), errc::not_found, {"before the current one, 1"});
  check_refused(roll_back(scratch.path(), 1).failure(), errc::invalid_argument, {"generation 1", "already"});
  check_refused(roll_back(scratch.path(), 9).failure(), errc::not_found, {"000009"});
  BOOST_TEST(roll_back(scratch.path(), 3).value() == 3u);
  BOOST_TEST(current_of(scratch.path()) == 3u);
  BOOST_TEST(publish_three(scratch.path()).value() == 4u);
}

BOOST_AUTO_TEST_CASE(what_is_damaged_is_not_gone_back_to) {
  const scratch_folder scratch;
  publish_some(scratch.path(), 3);
  flip_a_byte(scratch / "generations/000002/index.argosy");
  check_refused(verify_generation(scratch.path(), 2), errc::corrupt, {"index.argosy"});
  check_refused(roll_back(scratch.path(), {}).failure(), errc::corrupt, {"index.argosy"});
  BOOST_TEST(current_of(scratch.path()) == 3u);
  flip_a_byte(scratch / "CURRENT");
  BOOST_TEST(roll_back(scratch.path(), 1).value() == 1u);
  BOOST_TEST(current_of(scratch.path()) == 1u);
}

BOOST_AUTO_TEST_CASE(pruning_keeps_the_newest_and_the_current) {
  const scratch_folder scratch;
  publish_some(scratch.path(), 5);
  check_refused(prune_generations(scratch.path(), 0).failure(), errc::invalid_argument, {"at least 1"});
  BOOST_TEST((prune_generations(scratch.path(), 9).value() == numbers{}));
  BOOST_TEST(roll_back(scratch.path(), 2).value() == 2u);
  const auto reader = generation::open(scratch.path(), 1);
  require_ok(reader.failure());
  BOOST_TEST((prune_generations(scratch.path(), 2).value() == numbers{1, 3}));
  BOOST_TEST((numbers_of(scratch.path()) == numbers{2, 4, 5}));
  BOOST_TEST(current_of(scratch.path()) == 2u);
  const auto vectors = test::small_integers(3, 4, 1);
  BOOST_TEST((reader->index().search(vectors, {}).value() == search_reference(vectors, vectors, 3)));
  BOOST_TEST(reader->facts(0).id == "p1");
  for (const auto& entry : fs::directory_iterator(scratch / "generations")) BOOST_TEST(entry.path().filename().string().size() == 6u);
}

BOOST_AUTO_TEST_CASE(what_a_killed_pruner_left_is_removed_and_never_read) {
  const scratch_folder scratch;
  publish_some(scratch.path(), 2);
  fs::rename(scratch / "generations/000001", scratch / "generations/000001.removed");
  BOOST_TEST((numbers_of(scratch.path()) == numbers{2}));
  BOOST_TEST(publish_three(scratch.path()).value() == 3u);
  BOOST_TEST(!fs::exists(scratch / "generations/000001.removed"));
}

BOOST_AUTO_TEST_CASE(a_store_whose_current_one_is_unknown_is_not_pruned) {
  const scratch_folder scratch;
  publish_some(scratch.path(), 2);
  fs::remove(scratch / "CURRENT");
  check_refused(prune_generations(scratch.path(), 1).failure(), errc::not_found, {"CURRENT"});
  BOOST_TEST((numbers_of(scratch.path()) == numbers{1, 2}));
}

BOOST_AUTO_TEST_CASE(readers_finish_undisturbed_while_generations_are_switched) {
  const scratch_folder scratch(test::memory_parent());
  publish_some(scratch.path(), 1);
  const auto vectors = test::small_integers(3, 4, 1);
  const auto reader = generation::open_current(scratch.path());
  require_ok(reader.failure());
  std::atomic<bool> over = false;
  std::atomic<std::uint64_t> wrong = 0, opened = 0;
  std::jthread old([&] {
    const auto want = search_reference(vectors, vectors, 3);
    while (!over) wrong += reader->index().search(vectors, {}).value() == want && reader->facts(2).title == "连衣裙" ? 0 : 1;
  });
  std::jthread fresh([&] {
    while (!over) {
      const auto now = generation::open_current(scratch.path());
      wrong += now.ok() && now->index().search(vectors, {}).ok() && now->facts(0).id == "p1" ? 0 : 1;
      ++opened;
    }
  });
  for (std::uint64_t i = 0; i < 20 || opened < 20; ++i) {
    check_ok(publish_three(scratch.path(), i).failure());
    if (i % 4 == 3) check_ok(roll_back(scratch.path(), {}).failure());
    check_ok(prune_generations(scratch.path(), 2).failure());
  }
  over = true;
  old.join();
  fresh.join();
  BOOST_TEST(wrong == 0u);
  BOOST_TEST(!fs::exists(scratch / "generations/000001"));
}

// What people made stays, as do the last two that compaction made; one that never became current, its maker was killed, does not count.
BOOST_AUTO_TEST_CASE(of_generations_that_compaction_made_the_last_stay) {
  const scratch_folder scratch;
  const fs::path& store = scratch.path();
  const auto compacted = [&](std::uint64_t from, bool finished) {
    auto writer = generation_writer::create_from(store, generation::open_current(store).value());
    require_ok(writer.failure());
    check_ok(mark_compacted(writer->path(), writer->number(), from));
    finished ? check_ok(writer->publish()) : check_ok(writer->seal());
  };
  publish_some(store, 1);
  for (std::uint64_t from = 1; from < 4; ++from) compacted(from, true);
  BOOST_TEST((*prune_compacted(store, 2) == numbers{2}));
  // As `argosy tune` does: it has the files of one that compaction made, and their mark.
  auto tuned = generation_writer::create_from(store, generation::open_current(store).value());
  require_ok(tuned.failure());
  check_ok(tuned->publish());
  BOOST_TEST(fs::exists(store / "generations/000005/compacted.argosy"));
  compacted(5, false);
  compacted(5, false);
  compacted(5, true);
  BOOST_TEST(current_of(store) == 8u);
  BOOST_TEST((*prune_compacted(store, 2) == numbers{3, 6, 7}));
  BOOST_TEST((numbers_of(store) == numbers{1, 4, 5, 8}));
  flip_a_byte(store / "generations/000004/compacted.argosy");
  BOOST_TEST((*prune_compacted(store, 1) == numbers{}));
  check_refused(prune_compacted(store, 0).failure(), errc::invalid_argument, {"at least 1"});
  // The current one is never among them.
  compacted(8, true);
  require_ok(roll_back(store, 8).failure());
  BOOST_TEST((*prune_compacted(store, 1) == numbers{}));
  BOOST_TEST((numbers_of(store) == numbers{1, 4, 5, 8, 9}));
}

BOOST_AUTO_TEST_CASE(rolling_back_and_pruning_killed_at_any_moment_leave_a_whole_current_generation) {
  const scratch_folder scratch(test::memory_parent());
  publish_some(scratch.path(), 3);
  const auto work = [&] {
    (void)publish_three(scratch.path());
    (void)roll_back(scratch.path(), {});
    (void)prune_generations(scratch.path(), 2);
  };
  const auto check = [&] {
    BOOST_TEST(test::current_is_whole(scratch.path()));
    for (const auto number : numbers_of(scratch.path())) check_ok(verify_generation(scratch.path(), number));
  };
  test::kill_at_random_moments(40, work, check);
  BOOST_TEST(publish_three(scratch.path()).ok());
  check_ok(prune_generations(scratch.path(), 1).failure());
  BOOST_TEST(numbers_of(scratch.path()).size() == 1u);
  BOOST_TEST(std::distance(fs::directory_iterator(scratch / "generations"), {}) == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

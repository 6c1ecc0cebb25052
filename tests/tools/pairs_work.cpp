#include "tools/pairs_work.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/status.hpp"

using namespace argosy;
using namespace argosy::test;

namespace {

const pairs_plan plan{3, 77, 1000, 88, 100, 0, 2};
const answer_part part{{2, 0, 3}, std::vector<std::byte>(5, std::byte{9})};

pairs_work open_work(const std::filesystem::path& store, const pairs_plan& for_what = plan) {
  auto opened = pairs_work::open(store, for_what);
  require_ok(opened.failure());
  return std::move(opened).value();
}

void do_some(const std::filesystem::path& store) {
  const pairs_work work = open_work(store);
  check_ok(work.keep(log_totals{10, 2, 1}));
  check_ok(work.keep(1, 5, part));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pairs_works)

BOOST_AUTO_TEST_CASE(work_of_the_same_plan_is_used_again) {
  const scratch_folder scratch;
  BOOST_TEST(!open_work(scratch.path()).totals().has_value());
  do_some(scratch.path());
  pairs_work work = open_work(scratch.path());
  BOOST_REQUIRE(work.totals().has_value());
  BOOST_TEST(work.totals()->lines == 10u);
  BOOST_TEST(work.totals()->refused == 2u);
  BOOST_TEST(work.totals()->without_words == 1u);
  BOOST_REQUIRE(work.answers(1, 5, 3).has_value());
  BOOST_TEST((work.answers(1, 5, 3)->length == part.length && work.answers(1, 5, 9)->bytes == part.bytes));
  BOOST_TEST(!work.answers(1, 5, 2).has_value());
  BOOST_TEST(!work.answers(1, 0, 9).has_value());
  BOOST_TEST(!work.answers(0, 5, 9).has_value());
  work.remove();
  BOOST_TEST(std::filesystem::is_empty(scratch.path()));
}

BOOST_AUTO_TEST_CASE(work_of_another_plan_is_removed) {
  for (int field = 0; field < 7; ++field) {
    const scratch_folder scratch;
    do_some(scratch.path());
    pairs_plan other = plan;
    std::uint64_t* const fields[] = {&other.generation, &other.manifest_xxh3, &other.log_bytes, &other.log_xxh3,
                                     &other.k,          &other.limit,         &other.shards};
    ++*fields[field];
    {
      const pairs_work work = open_work(scratch.path(), other);
      BOOST_TEST((!work.totals() && !work.answers(1, 5, 3)), "field " << field);
    }
    BOOST_TEST(!open_work(scratch.path()).totals().has_value());
  }
}

BOOST_AUTO_TEST_CASE(damaged_work_is_not_used) {
  const scratch_folder scratch(memory_parent());
  do_some(scratch.path());
  const auto folder = scratch / "pairs-work";
  const pairs_work work = open_work(scratch.path());
  BOOST_TEST(unnoticed_flips(folder / "answers-1-5.argosy", [&] { return work.answers(1, 5, 3).has_value(); }) == 0u);
  BOOST_TEST(unnoticed_flips(folder / "totals.argosy", [&] { return work.totals().has_value(); }) == 0u);
}

BOOST_AUTO_TEST_CASE(one_process_at_a_time) {
  const scratch_folder scratch;
  const pairs_work work = open_work(scratch.path());
  check_refused(pairs_work::open(scratch.path(), plan).failure(), errc::unavailable, {"pairs-work", "another"});
}

BOOST_AUTO_TEST_SUITE_END()

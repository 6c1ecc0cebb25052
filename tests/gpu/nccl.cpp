// NCCL itself, with one rank, on the first GPU: what machines with one can show. One rank's rows are equal, so its groups of calls and ncclReduce
// are not among it.
#include <boost/test/unit_test.hpp>
#include <thread>

#include "kernels/devices.hpp"
#include "net/nccl_group.hpp"
#include "tests/support/copying_group.hpp"
#include "tests/support/every_operation.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {
namespace {

struct one_rank {
  std::unique_ptr<device> on;
  std::unique_ptr<collective> group;  // of the host's matrices

  one_rank() {
    auto opened = open_device("cuda", 1, compute::float32);
    require_ok(opened.failure());
    on = std::move(*opened);
    const auto nccl = open_nccl();
    require_ok(nccl.failure());
    auto made = make_nccl_group(std::move(make_in_process_group(1).front()), *on, **nccl);
    require_ok(made.failure());
    group = make_copying_group(std::move(*made), *on);
  }
};

// One GPU works without it.
boost::test_tools::assertion_result has_nccl(boost::unit_test::test_unit_id) {
  const auto nccl = open_nccl();
  boost::test_tools::assertion_result has(nccl.ok());
  has.message() << nccl.failure().text();
  return has;
}

BOOST_AUTO_TEST_SUITE(nccl_on_a_gpu, *boost::unit_test::precondition(has_nccl))

BOOST_AUTO_TEST_CASE(one_rank_leaves_what_a_thread_leaves) {
  one_rank rank;
  const auto thread = std::move(make_in_process_group(1).front());
  std::mt19937_64 random(5);
  for (int round = 0; round < 8; ++round) {
    const shapes s = draw_shapes(random, 1, 50);
    std::vector<float> got, want;
    require_ok(everything(*rank.group, s, static_cast<std::uint64_t>(round), got));
    require_ok(everything(*thread, s, static_cast<std::uint64_t>(round), want));
    BOOST_TEST((got == want), "round " << round);
  }
}

BOOST_AUTO_TEST_CASE(a_group_beside_leaves_it_too) {
  one_rank rank;
  device* const on = rank.on->beside().value();
  const auto beside = rank.group->beside(*on);
  const auto thread = std::move(make_in_process_group(1).front());
  std::mt19937_64 random(7);
  const shapes s = draw_shapes(random, 1, 50);
  std::vector<float> got, want;
  std::jthread([&] { require_ok(everything(*beside, s, 0, got)); }).join();
  require_ok(everything(*thread, s, 0, want));
  BOOST_TEST((got == want));
}

BOOST_AUTO_TEST_CASE(after_an_abort_nothing_goes_through_and_another_group_can_form) {
  one_rank rank;
  rank.group->aborter()->abort({errc::aborted, "another group is formed"});
  float x = 1;
  check_refused(rank.group->all_reduce(view_of(&x, 1, 1)), errc::aborted, {"another group is formed"});
  one_rank again;
  check_ok(again.group->all_reduce(view_of(&x, 1, 1)));
  BOOST_TEST(x == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy::test

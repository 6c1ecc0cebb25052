// Replicas on devices that are taken for GPUs of their own, with a fake of NCCL between them: no GPU takes part.
#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "tests/actors/replicas.hpp"

namespace argosy::test {
namespace {

constexpr std::uint64_t steps = 3;

std::vector<double> losses_of_two(bool far, bool gpu_each, std::uint64_t bucket_kib = 0) {
  replicas two;
  recipe with = tiny_recipe(2);
  with.train.bucket_kib = bucket_kib;
  for (auto& member : make_in_process_group(2)) {
    auto settings = two.settings(with, far);
    settings.gpu_each = gpu_each;
    two.engines.push_back(make_replica_engine(std::move(settings), std::move(member), two.clock));
  }
  std::vector<double> losses;
  two.require_each([&](node_engine& engine, int rank) -> status {
    ARGOSY_TRY(engine.open().failure());
    for (std::uint64_t step = 0; step < steps; ++step) ARGOSY_TRY(train(engine, rank, 2, step, rank == 0 ? &losses : nullptr));
    return {};
  });
  BOOST_TEST(two.nccl.made() == (far && gpu_each ? 2 : 0));
  const auto operations = two.nccl.operations_of(0);
  BOOST_TEST(operations.empty() == !(far && gpu_each));
  const auto sums = std::ranges::count(operations, nccl_operation::all_reduce);
  if (far && gpu_each) BOOST_TEST((sums > std::ssize(losses) * 2) == (bucket_kib > 0), sums << " sums");
  return losses;
}

BOOST_AUTO_TEST_SUITE(gpu_groups)

// Of two numbers the sum is the same in either order.
BOOST_AUTO_TEST_CASE(two_workers_on_a_gpu_each_train_as_two_on_one_and_as_two_on_the_cpu) {
  const auto by_nccl = losses_of_two(true, true), by_memory = losses_of_two(true, false), by_host = losses_of_two(false, true);
  BOOST_TEST(by_nccl.size() == steps);
  BOOST_TEST(by_nccl == by_memory, boost::test_tools::per_element());
  BOOST_TEST(by_nccl == by_host, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(workers_on_gpus_that_sum_in_many_buckets_beside_backward_train_the_same_numbers) {
  const auto want = losses_of_two(false, true);
  for (const bool gpu_each : {false, true}) BOOST_TEST(losses_of_two(true, gpu_each, 1) == want, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(without_nccl_workers_on_a_gpu_each_say_why) {
  replicas two;
  for (auto& member : make_in_process_group(2)) {
    auto settings = two.settings(2, true);
    settings.nccl = []() -> result<nccl_calls*> { return status(errc::unavailable, "NCCL: libnccl.so.2: no such file"); };
    two.engines.push_back(make_replica_engine(std::move(settings), std::move(member), two.clock));
  }
  for (const status& end : two.each([](node_engine&engine, int) { return engine.open().failure(); }))
    check_refused(end, errc::unavailable, {"libnccl.so.2"});
}

// A node alone, with another one that it feeds, and again without it: a communicator a group.
BOOST_AUTO_TEST_CASE(nodes_on_gpus_come_and_go_and_a_living_one_feeds_the_other) {
  replicas two;
  for (int r = 0; r < 2; ++r)
    two.engines.push_back(make_replica_engine(two.settings(1, true), std::move(make_in_process_group(1).front()), two.clock));
  two.require_each([](node_engine& engine, int) { return engine.open().failure(); });
  require_ok(train(*two.engines[0], 0, 1, 0));
  BOOST_TEST(two.nccl.made() == 0);  // a rank alone needs none
  BOOST_TEST((weights_of(*two.engines[0]) != weights_of(*two.engines[1])));

  for (const int group : {1, 2}) {
    two.form({0, 1});
    two.require_each([&](node_engine& engine, int rank) -> status {
      ARGOSY_TRY(engine.share(0, {}));
      return train(engine, rank, 2, static_cast<std::uint64_t>(group));
    });
    BOOST_TEST(two.nccl.made() == 2 * group);
    for (const std::size_t alone : {0, 1}) two.form({alone});
    BOOST_TEST((weights_of(*two.engines[0]) == weights_of(*two.engines[1])));
    BOOST_TEST(two.nccl.destroyed() == 2 * group);
  }
  const auto ids = two.nccl.ids();
  BOOST_TEST((ids.front() != ids.back()));

  two.form({0, 1});
  two.engines[0]->group().aborter()->abort({errc::aborted, "another group is formed"});
  two.form({0});
  BOOST_TEST(two.nccl.aborted() == 1);
  require_ok(train(*two.engines[0], 0, 1, 3));
}

BOOST_AUTO_TEST_CASE(a_node_says_that_it_exchanges_while_it_waits_for_nccl) {
  replicas two;
  for (int r = 0; r < 2; ++r)
    two.engines.push_back(make_replica_engine(two.settings(1, true), std::move(make_in_process_group(1).front()), two.clock));
  auto host = make_in_process_group(2);
  std::atomic<bool> inside[2] = {false, false};
  two.require_each([&](node_engine& engine, int rank) -> status {
    const auto r = static_cast<std::size_t>(rank);
    ARGOSY_TRY(engine.open().failure());
    return engine.regroup(std::move(host[r]), inside[r]);
  });
  BOOST_TEST((!inside[0] && !inside[1]));
  two.nccl.stall();
  bool were_inside = false;
  std::jthread elsewhere([&, cut = two.engines[0]->group().aborter()] {
    two.nccl.wait_until_waiting(2);
    were_inside = inside[0] && inside[1];
    cut->abort({errc::aborted, "another group is formed"});
  });
  for (const status& end : two.each([](node_engine&engine, int) { return engine.share(0, {}); }))
    check_refused(end, errc::aborted, {"another group is formed"});
  elsewhere.join();
  BOOST_TEST(were_inside);
  BOOST_TEST((!inside[0] && !inside[1]));
}

// Opened anew, a replica has another device; the group of the one before is over by then.
BOOST_AUTO_TEST_CASE(a_replica_that_is_made_anew_leaves_its_group_first) {
  replicas two;
  for (auto& member : make_in_process_group(2))
    two.engines.push_back(make_replica_engine(two.settings(2, true), std::move(member), two.clock));
  two.require_each([](node_engine& engine, int) { return engine.open().failure(); });
  two.require_each([](node_engine& engine, int) { return engine.open().failure(); });
  BOOST_TEST(two.nccl.made() == 2);
  BOOST_TEST(two.nccl.destroyed() == 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy::test

// Groups of GPUs, with a fake of NCCL over threads and the host's memory (tests/support/fake_nccl.hpp): no GPU takes part.
#include "net/nccl_group.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <thread>

#include "tests/support/all_ranks.hpp"
#include "tests/support/bf16.hpp"
#include "tests/support/copying_group.hpp"
#include "tests/support/disagreements.hpp"
#include "tests/support/every_operation.hpp"
#include "tests/support/fake_nccl.hpp"
#include "tests/support/far_device.hpp"
#include "tests/support/gloo_ranks.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {
namespace {

// Ranks with a device each over one fake. What the fake forbids fails the test at the end.
struct nccl_ranks {
  fake_nccl nccl;
  std::vector<std::unique_ptr<device>> devices;
  ranks group;
  std::vector<status> joined;

  explicit nccl_ranks(int size, bool far = false) {
    for (int r = 0; r < size; ++r) devices.push_back(far ? make_far_device() : make_cpu_device(1));
  }
  ~nccl_ranks() {
    group.clear();
    for (const std::string& one : nccl.misuse()) BOOST_ERROR("misuse of NCCL: " << one);
    BOOST_TEST(nccl.destroyed() + nccl.aborted() == nccl.made());
  }

  void join(ranks host) {
    group.resize(host.size());
    joined.resize(host.size());
    std::vector<std::jthread> threads;
    for (std::size_t r = 0; r < host.size(); ++r)
      threads.emplace_back([&, r] {
        auto made = make_nccl_group(std::move(host[r]), *devices[r], nccl);
        joined[r] = made.failure();
        if (made.ok()) group[r] = std::move(*made);
      });
  }
  nccl_ranks& join() {
    join(make_in_process_group(static_cast<int>(devices.size())));
    check_all_ok(joined);
    return *this;
  }
};

void check_all_refused(const std::vector<status>& ends, errc code, std::initializer_list<std::string_view> parts) {
  for (const status& end : ends) check_refused(end, code, parts);
}

template <class T>
void equals_threads(int size, bool equal_rows) {
  std::mt19937_64 random(11);
  nccl_ranks over(size);
  over.join();
  const auto in_process = make_in_process_group(size);
  for (int round = 0; round < 8; ++round) {
    shapes s = draw_shapes(random, size, 12);
    s.whole_numbers = true;
    if (equal_rows) std::ranges::fill(s.rows_of, s.rows_of[0]);
    std::vector<std::vector<T>> got(in_process.size()), want(in_process.size());
    const auto run = [&](const ranks& group, std::vector<std::vector<T>>& left) {
      check_all_ok(on_all(group, [&](collective& c) {
        return everything(c, s, static_cast<std::uint64_t>(1000 * round), left[static_cast<std::size_t>(c.rank())]);
      }));
    };
    run(over.group, got);
    run(in_process, want);
    BOOST_TEST((got == want), size << " ranks, round " << round);
  }
  over.group.clear();
  BOOST_TEST(over.nccl.destroyed() == size);
}

BOOST_AUTO_TEST_SUITE(nccl_groups)

BOOST_AUTO_TEST_CASE(every_operation_leaves_what_threads_leave) {
  for (const int size : {1, 2, 3, 5})
    for (const bool equal_rows : {true, false}) {
      equals_threads<float>(size, equal_rows);
      equals_threads<double>(size, equal_rows);
    }
}

// What tests/gpu/nccl.cpp does on a GPU, with the fake.
BOOST_AUTO_TEST_CASE(matrices_of_a_device_are_copied_for_the_tests_of_a_gpu) {
  std::mt19937_64 random(5);
  nccl_ranks over(2);
  over.join();
  for (std::size_t r = 0; r < 2; ++r) over.group[r] = make_copying_group(std::move(over.group[r]), *over.devices[r]);
  const auto in_process = make_in_process_group(2);
  shapes s = draw_shapes(random, 2, 12);
  s.margin = 3;
  std::vector<float> left[2][2];
  for (const bool copying : {false, true})
    check_all_ok(on_all(copying ? over.group : in_process, [&](collective& c) { return everything(c, s, 0, left[copying][c.rank()]); }));
  BOOST_TEST((left[0][0] == left[1][0] && left[0][1] == left[1][1]));
}

// By turns, each with threads of its own; the communicator ends with the last of them.
BOOST_AUTO_TEST_CASE(a_group_beside_is_of_the_same_communicator) {
  std::mt19937_64 random(6);
  nccl_ranks over(3, true);
  over.join();
  ranks beside;
  for (std::size_t r = 0; r < 3; ++r) beside.push_back(over.group[r]->beside(*over.devices[r]->beside().value()));
  const auto in_process = make_in_process_group(3);
  for (std::uint64_t round = 0; round < 4; ++round) {
    shapes s = draw_shapes(random, 3, 12);
    s.whole_numbers = true;
    std::vector<std::vector<float>> got(3), want(3);
    const auto run = [&](const ranks& group, std::vector<std::vector<float>>& left) {
      check_all_ok(on_all(group, [&](collective& c) { return everything(c, s, round, left[static_cast<std::size_t>(c.rank())]); }));
    };
    run(round % 2 == 0 ? beside : over.group, got);
    run(in_process, want);
    BOOST_TEST((got == want), "round " << round);
  }
  over.group.clear();
  BOOST_TEST(over.nccl.destroyed() == 0);
  check_all_ok(on_all(beside, sum_of_ones));
  beside.clear();
  BOOST_TEST(over.nccl.made() == 3);
  BOOST_TEST(over.nccl.destroyed() == 3);
}

BOOST_AUTO_TEST_CASE(sums_have_the_same_bits_on_all_ranks_though_not_those_of_threads) {
  std::vector<std::vector<float>> sums[2];
  nccl_ranks over(5);
  over.join();
  const auto in_process = make_in_process_group(5);
  for (const bool by_nccl : {false, true}) {
    sums[by_nccl].resize(5);
    check_all_ok(on_all(by_nccl ? over.group : in_process, [&](collective& c) {
      auto& x = sums[by_nccl][static_cast<std::size_t>(c.rank())];
      for (int i = 0; i < 40; ++i) x.push_back(static_cast<float>(std::sin(c.rank() * 37.0 + i) * std::pow(10., c.rank())));
      return c.all_reduce(view_of(x.data(), 4, 10));
    }));
    for (const auto& of_rank : sums[by_nccl]) BOOST_TEST((of_rank == sums[by_nccl][0]));
  }
  BOOST_TEST((sums[0] != sums[1]));  // otherwise the fake proves little
  for (std::size_t i = 0; i < 40; ++i) BOOST_TEST(std::abs(sums[0][0][i] - sums[1][0][i]) <= 1e4f * 5 * 0x1p-24f * 5);
}

BOOST_AUTO_TEST_CASE(bfloat16_is_gathered_summed_and_broadcast) {
  nccl_ranks over(3);
  over.join();
  check_all_ok(on_all(over.group, [](collective& c) -> status {
    const auto of = [](std::vector<bf16>& v, std::int64_t rows) { return view{v.data(), dtype::bf16, rows, 2, 2}; };
    const auto value = [](int rank, int i) { return bf16_of(static_cast<float>(10 * rank + i)); };
    const std::vector<std::int64_t> rows_of{1, 0, 2};
    const auto rows = rows_of[static_cast<std::size_t>(c.rank())];
    std::vector<bf16> mine(4), all(6), sum(4), back(4);
    for (int i = 0; i < 4; ++i) mine[static_cast<std::size_t>(i)] = sum[static_cast<std::size_t>(i)] = value(c.rank(), i);
    ARGOSY_TRY(c.all_gather(of(mine, rows), rows_of, of(all, 3)));
    const std::vector<float> want{0, 1, 20, 21, 22, 23};
    for (std::size_t i = 0; i < 6; ++i)
      if (number_of(all[i]) != want[i]) return {errc::internal, "wrong rows"};
    ARGOSY_TRY(c.reduce_scatter(of(all, 3), rows_of, of(back, rows)));
    for (std::size_t i = 0; i < static_cast<std::size_t>(2 * rows); ++i)
      if (number_of(back[i]) != 3 * number_of(mine[i])) return {errc::internal, "wrong scattered sum"};
    ARGOSY_TRY(c.all_reduce(of(sum, 2)));
    for (int i = 0; i < 4; ++i)
      if (number_of(sum[static_cast<std::size_t>(i)]) != static_cast<float>(30 + 3 * i)) return {errc::internal, "wrong sum"};
    ARGOSY_TRY(c.broadcast(of(mine, 2), 2));
    return number_of(mine[3]) == 23 ? status{} : status(errc::internal, "wrong broadcast");
  }));
}

BOOST_AUTO_TEST_CASE(equal_rows_go_by_one_call_others_by_one_a_rank_nothing_by_none) {
  nccl_ranks over(3);
  over.join();
  const auto gather_and_scatter = [&](std::vector<std::int64_t> rows_of, std::int64_t cols) {
    check_all_ok(on_all(over.group, [&](collective& c) -> status {
      const auto rows = rows_of[static_cast<std::size_t>(c.rank())], whole = std::reduce(rows_of.begin(), rows_of.end());
      std::vector<float> mine(static_cast<std::size_t>(rows * cols)), all(static_cast<std::size_t>(whole * cols));
      ARGOSY_TRY(c.all_gather(view_of(mine.data(), rows, cols), rows_of, view_of(all.data(), whole, cols)));
      return c.reduce_scatter(view_of(all.data(), whole, cols), rows_of, view_of(mine.data(), rows, cols));
    }));
  };
  using enum nccl_operation;
  gather_and_scatter({0, 0, 0}, 4);
  gather_and_scatter({2, 1, 2}, 0);
  BOOST_TEST((over.nccl.operations_of(0).empty()));
  gather_and_scatter({2, 2, 2}, 4);
  BOOST_TEST((over.nccl.operations_of(0) == std::vector{all_gather, reduce_scatter}));
  gather_and_scatter({2, 0, 3}, 4);
  BOOST_TEST((over.nccl.operations_of(1) == std::vector{all_gather, reduce_scatter, broadcast, broadcast, reduce, reduce}));
}

BOOST_AUTO_TEST_CASE(shapes_that_disagree_are_refused_on_all_ranks_before_nccl_is_called_and_the_group_lives) {
  nccl_ranks over(3);
  over.join();
  check_disagreements_are_refused(over.group);
  check_all_refused(on_all(over.group, sum_of_two_types), errc::shape_mismatch, {"another operation"});
  BOOST_TEST((over.nccl.operations_of(0).empty()));
  check_all_ok(on_all(over.group, sum_of_ones));
}

BOOST_AUTO_TEST_CASE(the_id_of_rank_0_reaches_all) {
  for (const bool over_gloo : {false, true}) {
    nccl_ranks over(3);
    over.join(over_gloo ? make_gloo_group(3) : make_in_process_group(3));
    check_all_ok(over.joined);
    check_all_ok(on_all(over.group, sum_of_ones));
    const auto ids = over.nccl.ids();
    BOOST_REQUIRE(ids.size() == 3u);
    for (const nccl_id& id : ids) BOOST_TEST((id == ids[0] && id[0] != std::byte{0}));
  }
}

BOOST_AUTO_TEST_CASE(ranks_that_nccl_cannot_join_are_refused_before_it_is_asked) {
  for (const bool over_gloo : {false, true}) {
    nccl_ranks on_one(3);
    on_one.nccl.put_on_gpu_of(*on_one.devices[2], *on_one.devices[1]);
    on_one.join(over_gloo ? make_gloo_group(3) : make_in_process_group(3));
    check_refused(on_one.joined[2], errc::invalid_argument, {"a GPU each", "rank 1 and rank 2"});
    for (const std::size_t innocent : {0, 1}) check_refused(on_one.joined[innocent], errc::aborted, {"a GPU each", "rank 1 and rank 2"});
    BOOST_TEST(on_one.nccl.ids().empty());
  }

  nccl_ranks on_none(2);
  on_none.nccl.make_no_gpu(*on_none.devices[1]);
  on_none.join(make_in_process_group(2));
  check_refused(on_none.joined[1], errc::invalid_argument, {"no GPU's device"});
  check_refused(on_none.joined[0], errc::aborted, {"no GPU's device"});

  fake_nccl older(22703), newer;
  auto host = make_in_process_group(2);
  std::vector<status> ends(2);
  {
    std::vector<std::jthread> threads;
    for (std::size_t r = 0; r < 2; ++r)
      threads.emplace_back(
          [&, r] { ends[r] = make_nccl_group(std::move(host[r]), *on_none.devices[r], r == 0 ? newer : older).failure(); });
  }
  check_refused(ends[1], errc::version_mismatch, {"rank 0 has 2.28.9", "rank 1 has 2.27.3"});
  check_refused(ends[0], errc::aborted, {"rank 0 has 2.28.9", "rank 1 has 2.27.3"});
}

// Each has a network of NCCL's of its own, on which it waits for the other.
BOOST_AUTO_TEST_CASE(ranks_that_nccl_does_not_join_do_not_wait_for_ever) {
  fake_nccl one, other;
  const nccl_ranks with(2);
  auto host = make_in_process_group(2);
  std::vector<status> ends(2);
  {
    std::vector<std::jthread> threads;
    for (std::size_t r = 0; r < 2; ++r)
      threads.emplace_back([&, r] {
        ends[r] = make_nccl_group(std::move(host[r]), *with.devices[r], r == 0 ? one : other, std::chrono::milliseconds(50)).failure();
      });
  }
  for (const status& end : ends)
    BOOST_TEST(end.message().find("ncclCommInitRankConfig: it takes too long") != std::string::npos, end.text());
  BOOST_TEST(one.aborted() + other.aborted() == 2);
}

BOOST_AUTO_TEST_CASE(an_abort_from_another_thread_ends_every_rank_that_waits_for_nccl) {
  nccl_ranks over(4);
  over.join();
  over.nccl.stall();
  std::jthread elsewhere([&, cut = over.group[0]->aborter()] {
    over.nccl.wait_until_waiting(4);
    cut->abort({errc::io_error, "step 7: the disk is gone"});
    cut->abort({errc::aborted, "a later reason"});
  });
  check_all_refused(on_all(over.group, sum_of_ones), errc::aborted, {"the disk is gone"});
  BOOST_TEST(over.nccl.aborted() == 4);
  check_all_refused(on_all(over.group, sum_of_ones), errc::aborted, {"the disk is gone"});
  check_refused(over.group[1]->gather_counts(1).failure(), errc::aborted, {"the disk is gone"});
  check_refused(over.group[1]->whole(), errc::aborted, {"the disk is gone"});
}

BOOST_AUTO_TEST_CASE(a_process_that_is_lost_ends_those_that_wait_for_it_in_nccl) {
  nccl_ranks over(3);
  over.join(make_gloo_group(3));
  check_all_ok(over.joined);
  over.nccl.stall();
  std::jthread elsewhere([&, cut = over.group[2]->aborter()] {
    over.nccl.wait_until_waiting(3);
    cut->abort({errc::aborted, "killed"});  // its connections close, as a process's that dies do
  });
  const auto ends = on_all(over.group, sum_of_ones);
  for (const int r : {0, 1}) check_refused(ends[static_cast<std::size_t>(r)], errc::aborted, {"rank "});
  // One may see the other end before it sees rank 2.
  BOOST_TEST((ends[0].text() + ends[1].text()).find("rank 2") != std::string::npos, ends[0].text() << ends[1].text());
  check_refused(ends[2], errc::aborted, {"killed"});
  BOOST_TEST(over.nccl.aborted() == 3);
}

BOOST_AUTO_TEST_CASE(a_rank_that_is_gone_before_it_calls_is_not_waited_for) {
  nccl_ranks over(3);
  over.join();
  over.group.pop_back();
  check_all_refused(on_all(over.group, sum_of_ones), errc::aborted, {"rank 2 left"});
  BOOST_TEST(over.nccl.destroyed() == 1);
  BOOST_TEST(over.nccl.aborted() == 2);
}

BOOST_AUTO_TEST_CASE(an_error_of_nccl_is_named_with_its_call_and_cuts_the_group) {
  const auto even = [](collective& c) { return sum_of_ones(c); };
  const auto uneven = [](collective& c) {
    const std::vector<std::int64_t> rows_of{1, 2, 3};
    std::vector<float> all(12), mine(6);
    const auto rows = rows_of[static_cast<std::size_t>(c.rank())];
    return c.all_gather(view_of(mine.data(), rows, 2), rows_of, view_of(all.data(), 6, 2));
  };
  struct scene {
    const char* call;
    std::function<status(collective&)> work;
    const char* named;
  };
  for (const scene& s :
       {scene{"ncclAllReduce", even, "ncclAllReduce: unhandled cuda error"},
        scene{"ncclBroadcast", uneven, "ncclBroadcast: unhandled cuda error"},
        scene{"ncclGroupEnd", uneven, "ncclBroadcast: unhandled cuda error"}, scene{"cudaStreamQuery", even, "CUDA: a broken stream"}}) {
    BOOST_TEST_CONTEXT(s.call) {
      nccl_ranks over(3);
      over.join();
      over.nccl.fail(s.call, 1, nccl_said{1});
      const auto ends = on_all(over.group, s.work);
      check_refused(ends[1], errc::unavailable, {s.named});
      check_refused(ends[0], errc::aborted, {s.named});
      check_refused(ends[2], errc::aborted, {s.named});
      BOOST_TEST(over.nccl.aborted() == 3);
      check_all_refused(on_all(over.group, even), errc::aborted, {s.named});
    }
  }
}

BOOST_AUTO_TEST_CASE(a_connection_that_fails_late_is_an_abort) {
  nccl_ranks over(3);
  over.join();
  check_all_ok(on_all(over.group, sum_of_ones));
  over.nccl.fail_later(1, nccl_said::remote_error);
  check_all_refused(on_all(over.group, sum_of_ones), errc::aborted, {"ncclAllReduce: remote process exited"});
  BOOST_TEST(over.nccl.aborted() == 3);
}

BOOST_AUTO_TEST_CASE(a_rank_that_cannot_begin_is_told_to_those_that_wait_for_it) {
  nccl_ranks over(3);
  over.nccl.fail("ncclCommInitRankConfig", 1, nccl_said{1});
  over.join(make_in_process_group(3));
  check_refused(over.joined[1], errc::unavailable, {"ncclCommInitRankConfig: unhandled cuda error"});
  for (const std::size_t r : {0, 2}) check_refused(over.joined[r], errc::aborted, {"ncclCommInitRankConfig"});
  BOOST_TEST(over.nccl.aborted() == 2);

  nccl_ranks without_id(2);
  without_id.nccl.fail("ncclGetUniqueId", 0, nccl_said{1});
  without_id.join(make_in_process_group(2));
  check_refused(without_id.joined[0], errc::unavailable, {"ncclGetUniqueId"});
  check_refused(without_id.joined[1], errc::aborted, {"ncclGetUniqueId"});
}

BOOST_AUTO_TEST_CASE(what_cannot_be_flushed_is_aborted) {
  nccl_ranks over(2);
  over.join();
  check_all_ok(on_all(over.group, sum_of_ones));
  over.nccl.fail("ncclCommFinalize", 1, nccl_said::remote_error);
  over.group.clear();
  BOOST_TEST(over.nccl.destroyed() == 1);
  BOOST_TEST(over.nccl.aborted() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy::test

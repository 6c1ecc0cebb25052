#include "net/gloo_group.hpp"

#include <dirent.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <functional>
#include <numeric>
#include <random>
#include <thread>

#include "net/secret_file.hpp"
#include "tests/support/all_ranks.hpp"
#include "tests/support/bare_client.hpp"
#include "tests/support/disagreements.hpp"
#include "tests/support/every_operation.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/gloo_ranks.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {
namespace {

using namespace std::chrono_literals;

template <class T>
void equals_in_process(std::int64_t most_rows, int rounds) {
  std::mt19937_64 random(7);
  for (int size = 1; size <= 5; ++size) {
    const auto over_gloo = make_gloo_group(size), in_process = make_in_process_group(size);
    for (int round = 0; round < rounds; ++round) {
      const shapes s = draw_shapes(random, size, most_rows);
      std::vector<std::vector<T>> got(over_gloo.size()), want(over_gloo.size());
      const auto run = [&](const ranks& group, std::vector<std::vector<T>>& left) {
        check_all_ok(on_all(group, [&](collective& c) {
          return everything(c, s, static_cast<std::uint64_t>(1000 * round), left[static_cast<std::size_t>(c.rank())]);
        }));
      };
      run(over_gloo, got);
      run(in_process, want);
      BOOST_TEST((got == want), size << " ranks, round " << round);  // every bit: both sum in the order of the ranks
    }
  }
}

// Entries of a folder of /proc/self: descriptors, threads.
int count_in(const char* of) {
  int count = 0;
  DIR* const folder = ::opendir(of);
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

BOOST_AUTO_TEST_SUITE(gloo_groups)

BOOST_AUTO_TEST_CASE(every_operation_leaves_the_bits_that_threads_leave_f32) { equals_in_process<float>(20, 12); }
BOOST_AUTO_TEST_CASE(every_operation_leaves_the_bits_that_threads_leave_f64) { equals_in_process<double>(20, 12); }
BOOST_AUTO_TEST_CASE(of_long_tensors_too) { equals_in_process<float>(3000, 3); }

BOOST_AUTO_TEST_CASE(disagreement_is_told_to_all_changes_nothing_and_the_group_lives) {
  const auto group = make_gloo_group(3);
  check_disagreements_are_refused(group);
  for (const status& end : on_all(group, sum_of_two_types)) check_refused(end, errc::shape_mismatch, {"rank 1", "f64"});
  check_all_ok(on_all(group, sum_of_ones));
}

BOOST_AUTO_TEST_CASE(a_thousand_operations_stay_in_step) {
  check_all_ok(on_all(make_gloo_group(3), [](collective& c) -> status {
    for (int i = 0; i < 1000; ++i) {
      double x[2] = {static_cast<double>(i), static_cast<double>(c.rank())};
      ARGOSY_TRY(c.all_reduce(view_of(x, 1, 2)));
      if (x[0] != 3 * i || x[1] != 3) return {errc::internal, "wrong sum at " + std::to_string(i)};
    }
    return {};
  }));
}

BOOST_AUTO_TEST_CASE(an_abort_cuts_its_rank_and_the_others_find_out) {
  const auto group = make_gloo_group(4);
  std::jthread later([&] {
    std::this_thread::sleep_for(50ms);
    group[3]->aborter()->abort({errc::io_error, "step 7: the disk is gone"});
    group[3]->aborter()->abort({errc::aborted, "a later reason"});
  });
  std::vector<status> found(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t r = 1; r < 4; ++r)
      threads.emplace_back([&, r] {
        std::vector<float> x(1 << 20, 1.f);
        found[r] = group[r]->all_reduce(view_of(x.data(), 1, std::ssize(x)));
      });
  }
  for (std::size_t r = 1; r < 4; ++r) BOOST_TEST((found[r].code() == errc::aborted), found[r].text());
  check_refused(found[3], errc::aborted, {"step 7: the disk is gone"});
  check_refused(group[3]->gather_counts(1).failure(), errc::aborted, {"step 7: the disk is gone"});
}

BOOST_AUTO_TEST_CASE(a_rank_that_leaves_is_not_waited_for_and_is_named) {
  auto group = make_gloo_group(2);
  std::jthread leaver([gone = std::move(group[1])]() mutable { gone.reset(); });
  check_refused(group[0]->gather_counts(1).failure(), errc::aborted, {"rank 1"});
}

BOOST_AUTO_TEST_CASE(patience_ends) {
  const auto group = make_gloo_group(2, {}, 100ms);
  check_refused(group[0]->gather_counts(1).failure(), errc::aborted, {"rank 1", "Timed out waiting"});
  check_refused(group[0]->gather_counts(1).failure(), errc::aborted, {"Timed out waiting"});
}

BOOST_AUTO_TEST_CASE(a_meeting_is_aborted_too_and_ends_in_time_by_itself) {
  auto alone = gloo_member::open({.rank = 1, .size = 2}), other = gloo_member::open({.rank = 0, .size = 2});
  require_ok(alone.failure());
  require_ok(other.failure());
  const std::vector<std::string> addresses{other->address(), alone->address()};
  check_refused(alone->connect(addresses, 100ms).failure(), errc::aborted, {"after 100 ms without", "rank 0"});
  std::jthread later([&] { other->aborter()->abort({errc::aborted, "the user has gone"}); });
  check_refused(other->connect(addresses, 60s).failure(), errc::aborted, {"the user has gone"});
}

BOOST_AUTO_TEST_CASE(groups_come_and_go_and_leave_nothing_open) {
  int files = 0, threads = 0;
  for (int round = 0; round < 200; ++round) {
    const auto group = make_gloo_group(2);
    if (round % 2 == 0) group[0]->aborter()->abort({errc::aborted, "another round"});
    const auto ends = on_all(group, [](collective& c) { return c.gather_counts(1).failure(); });
    for (const status& end : ends) BOOST_REQUIRE_MESSAGE((end.code() == (round % 2 == 0 ? errc::aborted : errc::ok)), end.text());
    if (round == 1) files = count_in("/proc/self/fd"), threads = count_in("/proc/self/task");
  }
  const auto last = make_gloo_group(2);
  BOOST_TEST(count_in("/proc/self/fd") <= files);
  BOOST_TEST(count_in("/proc/self/task") <= threads);
}

BOOST_AUTO_TEST_CASE(processes_sum_and_leave) {
  gloo_processes group(4, [](collective& c) -> status {
    std::vector<float> x(100'000, static_cast<float>(c.rank()));
    ARGOSY_TRY(c.all_reduce(view_of(x.data(), 100, 1000)));
    return x == std::vector<float>(100'000, 6.f) ? status{} : status{errc::internal, "wrong sum"};
  });
  for (int r = 0; r < 4; ++r) BOOST_TEST(group.end_of(r) == "ok");
}

// Sums until somebody is gone.
status sum_for_ever(collective& c) {
  std::vector<float> x(4'000'000, 0.f);
  for (int i = 0;; ++i) {
    if (i == 3) gloo_processes::reached();
    ARGOSY_TRY(c.all_reduce(view_of(x.data(), 1, std::ssize(x))));
  }
}

BOOST_AUTO_TEST_CASE(a_process_that_is_killed_ends_the_others_operation_and_is_named) {
  for (int round = 0; round < 5; ++round) {
    gloo_processes group(3, sum_for_ever);
    group.wait_until_reached(1);
    std::this_thread::sleep_for(std::chrono::milliseconds(7 * round));  // somewhere in the middle of a sum
    ::kill(group.id(1), SIGKILL);
    BOOST_TEST(group.end_of(1) == "killed");
    std::string said;
    for (const int r : {0, 2}) {
      const std::string end = group.end_of(r);
      BOOST_TEST(end.starts_with("aborted: rank "), end);
      said += end;
    }
    BOOST_TEST(said.find("rank 1") != std::string::npos, said);
  }
}

// A signal that waits until somebody asks for it, in this process and in those that it forks.
class awaited_signal {
public:
  explicit awaited_signal(int number) {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, number);
    ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~awaited_signal() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  awaited_signal(const awaited_signal&) = delete;
  awaited_signal& operator=(const awaited_signal&) = delete;
  void wait() const {
    int which = 0;
    ::sigwait(&set_, &which);
  }

private:
  sigset_t set_{}, before_{};
};

BOOST_AUTO_TEST_CASE(beside_a_process_that_is_stopped_an_abort_ends_the_wait) {
  const awaited_signal stopped(SIGUSR1);
  gloo_processes group(3, [&stopped](collective& c) -> status {
    if (c.rank() != 0) return sum_for_ever(c);
    std::jthread watcher([&stopped, cut = c.aborter()] {
      stopped.wait();
      cut->abort({errc::aborted, "rank 1 does not move"});
    });
    return sum_for_ever(c);
  });
  group.wait_until_reached(1);
  ::kill(group.id(1), SIGSTOP);
  ::kill(group.id(0), SIGUSR1);
  BOOST_TEST(group.end_of(0) == "aborted: rank 1 does not move");
  const std::string other = group.end_of(2);
  BOOST_TEST(other.starts_with("aborted: rank "), other);
  ::kill(group.id(1), SIGCONT);
  const std::string woken = group.end_of(1);
  BOOST_TEST(woken.starts_with("aborted: rank "), woken);
}

std::uint16_t port_in(const std::string& address) { return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))); }

BOOST_AUTO_TEST_CASE(strangers_neither_join_nor_stop_nor_end_a_meeting) {
  auto first = gloo_member::open({.rank = 0, .size = 2}), second = gloo_member::open({.rank = 1, .size = 2});
  require_ok(first.failure());
  require_ok(second.failure());
  const std::vector<std::string> addresses{first->address(), second->address()};
  std::vector<std::unique_ptr<bare_client>> strangers;
  // Who connects says: 8 letters, its rank, what it drew; then its proof. Here all but the proof is right.
  const std::string hello = "argosyG1" + std::string("\1\0\0\0", 4) + std::string(32, 'x');
  for (const std::string& says : {std::string(), std::string(300'000, '\xff'), std::string(192, '\0'), hello, hello + std::string(32, 'y'),
                                  std::string("GET / HTTP/1.1\r\n\r\n"), hello.substr(0, 20)}) {
    for (const std::string& address : addresses) {
      strangers.push_back(std::make_unique<bare_client>(port_in(address)));
      strangers.back()->send(says);
    }
  }
  ranks group(2);
  {
    std::jthread other([&] {
      auto met = second->connect(addresses, 60s);
      if (met.ok()) group[1] = std::move(*met);
    });
    auto met = first->connect(addresses, 60s);
    require_ok(met.failure());
    group[0] = std::move(*met);
  }
  BOOST_REQUIRE(group[1] != nullptr);
  for (const auto& one : strangers) one->send("more of it");
  check_all_ok(on_all(group, [](collective& c) -> status {
    float one = 1;
    ARGOSY_TRY(c.all_reduce(view_of(&one, 1, 1)));
    return one == 2 ? status{} : status{errc::internal, "wrong sum"};
  }));
  // During the group nobody listens any more.
  for (const std::string& address : addresses) BOOST_CHECK_THROW(bare_client{port_in(address)}, std::runtime_error);
}

BOOST_AUTO_TEST_CASE(through_tunnels_sums_are_the_same_and_who_lacks_the_secret_never_meets) {
  const scratch_folder folder;
  require_ok(write_new_file(folder / "secret", std::string(64, 's'), 0600));
  require_ok(write_new_file(folder / "other", std::string(64, 't'), 0600));
  const shapes s{33, 3, {40, 0, 300}};
  std::vector<std::vector<float>> got(3), want(3);
  const auto run = [&](const ranks& group, std::vector<std::vector<float>>& left) {
    check_all_ok(on_all(group, [&](collective& c) { return everything(c, s, 5, left[static_cast<std::size_t>(c.rank())]); }));
  };
  run(make_gloo_group(3, {.secret = folder / "secret"}), got);
  run(make_in_process_group(3), want);
  BOOST_TEST((got == want));

  auto member = gloo_member::open({.rank = 0, .size = 2, .credentials = {.secret = folder / "secret"}});
  auto stranger = gloo_member::open({.rank = 1, .size = 2, .credentials = {.secret = folder / "other"}});
  require_ok(member.failure());
  require_ok(stranger.failure());
  const std::vector<std::string> addresses{member->address(), stranger->address()};  // even who knows the addresses
  status end;
  {
    std::jthread tries([&] { end = stranger->connect(addresses, 300ms).failure(); });
    check_refused(member->connect(addresses, 300ms).failure(), errc::aborted, {"rank 1"});
  }
  check_refused(end, errc::aborted, {"rank 0"});
}

BOOST_AUTO_TEST_CASE(who_listens_in_a_members_place_is_not_believed) {
  auto member = gloo_member::open({.rank = 1, .size = 2}), other = gloo_member::open({.rank = 0, .size = 2});
  auto impostor = gloo_member::open({.rank = 0, .size = 2});
  require_ok(member.failure());
  // The address of rank 0 with another's place: it listens there, and knows another secret.
  const std::string& theirs = impostor->address();
  const std::string mixed = other->address().substr(0, other->address().rfind(' ')) + theirs.substr(theirs.rfind(' '));
  std::jthread lies([&] { static_cast<void>(impostor->connect(std::vector<std::string>{theirs, member->address()}, 300ms).ok()); });
  check_refused(member->connect(std::vector<std::string>{mixed, member->address()}, 300ms).failure(), errc::aborted,
                {"rank 0 (who listens there is no member of this group)"});
}

BOOST_AUTO_TEST_CASE(addresses_that_are_none_are_refused) {
  auto member = gloo_member::open({.rank = 0, .size = 2});
  require_ok(member.failure());
  const std::string own = member->address();
  auto other = gloo_member::open({.rank = 1, .size = 2});
  const std::string good = other->address();
  const auto refused = [&](const std::vector<std::string>& all, std::string_view part) {
    check_refused(member->connect(all, 10ms).failure(), errc::invalid_argument, {part});
  };
  refused({own}, "want 2, got 1");
  refused({good, good}, "want its own");
  for (const std::string& bad : {std::string(), std::string(1 << 20, 'a'), good.substr(0, 40), good.substr(0, good.rfind(':')),
                                 std::string(good).replace(20, 2, "zz"), good + "9", good.substr(0, good.rfind(' ')) + " nosuch:1"})
    refused({own, bad}, "address of rank 1");
  refused({own, good.substr(0, good.rfind(' ')) + " 192.0.2.1:9"}, "want one of this machine");
  check_refused(gloo_member::open({.rank = 0, .size = 2, .host = "192.0.2.1"}).failure(), errc::invalid_argument, {"or credentials"});
  check_refused(gloo_member::open({.rank = 2, .size = 2}).failure(), errc::out_of_range, {"rank: want 0 .. 1"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy::test

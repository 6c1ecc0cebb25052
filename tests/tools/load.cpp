#include "tools/load.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <deque>
#include <functional>

#include "tests/support/status.hpp"

using namespace argosy;
using namespace std::chrono_literals;

namespace {

// Answers one request after the other, each in so long, on a clock of its own; between two moments it does nothing at all.
class simulated_server final : public load_target {
public:
  simulated_server(manual_clock& clock, std::chrono::nanoseconds one) : clock_(&clock), one_(one) {}

  status ask(std::uint64_t number) override {
    waiting_.push_back(number);
    return {};
  }
  status take(std::vector<load_answer>& answers) override {
    const steady_time now = clock_->now();
    if (now < stalled_until) return {};
    for (; !waiting_.empty() && free_ + one_ <= now; waiting_.pop_front()) {
      free_ += one_;
      const bool lost = waiting_.front() % 100 < lost_of_100;
      if (!lost || tells_of_lost) answers.push_back({waiting_.front(), !lost});
    }
    if (waiting_.empty()) free_ = now;
    return {};
  }
  void rest(std::chrono::nanoseconds duration) override { clock_->advance(duration); }

  steady_time stalled_until{};
  std::uint64_t lost_of_100 = 0;
  bool tells_of_lost = true;

private:
  manual_clock* clock_;
  std::chrono::nanoseconds one_;
  std::deque<std::uint64_t> waiting_;
  steady_time free_{};
};

load_figures found(load_target& on, const load_options& options, const clock_source& clock) {
  const auto figures = put_load(on, options, clock, {});
  test::require_ok(figures.failure());
  return figures.value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(loads)

BOOST_AUTO_TEST_CASE(an_open_loop_offers_its_rate) {
  manual_clock clock;
  simulated_server server(clock, 1us);
  const load_figures figures = found(server, {.rate = 2000, .seconds = 10}, clock);
  BOOST_TEST(std::abs(figures.offered_per_s - 2000) < 5 * std::sqrt(20'000.) / 10);  // five deviations of a Poisson process
  BOOST_TEST(figures.answered == figures.offered, boost::test_tools::tolerance(.001));
  BOOST_TEST(figures.errors == 0u);
  BOOST_TEST(figures.longest_ms < 1.);
}

BOOST_AUTO_TEST_CASE(what_a_stall_costs_is_counted_for_all_who_came_meanwhile) {
  manual_clock clock;
  simulated_server server(clock, 1us);
  server.stalled_until = clock.now() + 3s;  // 2 of the 10 seconds that are measured
  const load_figures figures = found(server, {.rate = 1000, .warm_up_s = 1, .seconds = 10}, clock);
  // A fifth of all was due during it, evenly: half of that fifth waited longer than a second.
  BOOST_TEST(figures.p99_ms > 1500.);
  BOOST_TEST(figures.p999_ms < 2001.);
  BOOST_TEST(figures.p50_ms < 1.);
  BOOST_TEST(figures.errors == 0u);
}

BOOST_AUTO_TEST_CASE(a_closed_loop_finds_what_the_server_can) {
  manual_clock clock;
  simulated_server server(clock, 100us);
  const load_figures figures = found(server, {.ahead = 16, .seconds = 5}, clock);
  BOOST_TEST(figures.answered_per_s == 10'000., boost::test_tools::tolerance(.01));
  BOOST_TEST(figures.p50_ms == 1.6, boost::test_tools::tolerance(.1));
}

BOOST_AUTO_TEST_CASE(more_than_it_can_is_seen_as_such) {
  manual_clock clock;
  simulated_server server(clock, 1ms);
  const load_figures figures = found(server, {.rate = 2000, .warm_up_s = 0, .seconds = 4, .patience_s = 100}, clock);
  BOOST_TEST(figures.offered_per_s == 2000., boost::test_tools::tolerance(.1));
  BOOST_TEST(figures.answered_per_s == 1000., boost::test_tools::tolerance(.01));
  BOOST_TEST(figures.longest_ms > 3500.);
  BOOST_TEST(figures.errors == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_refused_or_never_answered_is_an_error) {
  for (const bool tells : {true, false}) {
    manual_clock clock;
    simulated_server server(clock, 1us);
    server.lost_of_100 = 10;
    server.tells_of_lost = tells;
    const load_figures figures = found(server, {.rate = 1000, .seconds = 10, .patience_s = 1}, clock);
    BOOST_TEST(static_cast<double>(figures.errors) == .1 * static_cast<double>(figures.offered), boost::test_tools::tolerance(.02));
  }
}

BOOST_AUTO_TEST_CASE(it_can_be_stopped) {
  manual_clock clock;
  simulated_server server(clock, 1us);
  std::stop_source stop;
  stop.request_stop();
  BOOST_TEST((put_load(server, {.rate = 10}, clock, stop.get_token()).failure().code() == errc::aborted));
}

BOOST_AUTO_TEST_SUITE_END()

#include "actors/run_book.hpp"

#include <boost/test/unit_test.hpp>

namespace argosy {
namespace {

struct book_keeping {
  manual_clock clock;
  run_settings settings = [] {
    run_settings s;
    s.recipe.train.workers = 2;
    s.recipe.checkpoint.every = 3;
    s.of = 8;
    return s;
  }();

  static step_done done(int rank, std::uint64_t step) {
    step_done d;
    d.rank = rank;
    d.report.step = step;
    d.report.loss = 1.0 / static_cast<double>(step + 1);
    d.report.pairs = static_cast<std::uint64_t>(10 + rank);
    d.report.tokens = 100;
    d.report.forward_s = rank == 0 ? .5 : .25;
    d.idle_s = 7 * rank;
    d.data_wait_s = rank;
    d.step_s = 3 - rank;
    return d;
  }
  static checkpoint_part part(int rank) {
    auto bank = std::make_shared<memory_bank::snapshot>();
    bank->columns = rank + 1;
    return {rank, rank == 0 ? std::make_shared<checkpoint_state>() : nullptr, bank};
  }
  static std::string text(const std::optional<run_order>& o) {
    if (!o) return "-";
    if (const auto* save = std::get_if<save_order>(&*o)) return "save " + std::to_string(save->steps_done);
    return "step " + std::to_string(std::get<step_plan>(*o).step);
  }
  static void finish(run_book& book, std::uint64_t step) {
    for (const int rank : {1, 0}) BOOST_REQUIRE(book.take(done(rank, step)).ok());
  }
  static void save(run_book& book) {
    for (const int rank : {0, 1}) BOOST_REQUIRE(book.take(part(rank)).ok());
    book.checkpoint_written();
  }
};

BOOST_FIXTURE_TEST_SUITE(run_books, book_keeping)

BOOST_AUTO_TEST_CASE(hands_out_a_few_steps_ahead_of_the_slowest_rank) {
  run_book book(settings, clock);
  BOOST_TEST(text(book.next()) == "step 0");
  BOOST_TEST(text(book.next()) == "step 1");
  BOOST_TEST(text(book.next()) == "-");
  BOOST_REQUIRE(book.take(done(0, 0)).ok());
  BOOST_TEST(text(book.next()) == "-");
  BOOST_REQUIRE(book.take(done(1, 0)).ok());
  BOOST_TEST(text(book.next()) == "step 2");
}

BOOST_AUTO_TEST_CASE(saves_at_the_same_boundary_for_all_and_writes_one_checkpoint_at_a_time) {
  settings.recipe.checkpoint.every = 1;
  settings.ahead = 10;
  run_book book(settings, clock);
  BOOST_TEST(text(book.next()) == "step 0");
  BOOST_TEST(text(book.next()) == "save 1");
  BOOST_TEST(text(book.next()) == "step 1");
  BOOST_TEST(text(book.next()) == "-");
  finish(book, 0);
  save(book);
  BOOST_TEST(text(book.next()) == "save 2");
  BOOST_TEST(text(book.next()) == "step 2");
}

BOOST_AUTO_TEST_CASE(a_whole_run_ends_with_a_checkpoint_and_only_then_is_complete) {
  settings.of = 2;
  run_book book(settings, clock);
  BOOST_TEST(text(book.next()) == "step 0");
  BOOST_TEST(text(book.next()) == "step 1");
  BOOST_TEST(text(book.next()) == "save 2");
  BOOST_TEST(text(book.next()) == "-");
  finish(book, 0);
  finish(book, 1);
  BOOST_TEST(!book.complete());
  save(book);
  BOOST_TEST(book.complete());
  const auto end = book.end();
  BOOST_TEST(end->steps_done == 2u);
  BOOST_TEST(!end->interrupted);
  BOOST_TEST(end->last_loss == .5);
}

BOOST_AUTO_TEST_CASE(a_stop_lets_steps_in_flight_finish_and_saves_after_them) {
  run_book book(settings, clock);
  book.next();
  book.stop();
  BOOST_TEST(text(book.next()) == "save 1");
  BOOST_TEST(text(book.next()) == "-");
  finish(book, 0);
  save(book);
  BOOST_TEST(book.complete());
  BOOST_TEST(book.end()->interrupted);
  BOOST_TEST(book.end()->steps_done == 1u);
}

BOOST_AUTO_TEST_CASE(a_stop_right_after_a_checkpoint_writes_no_second_one) {
  settings.recipe.checkpoint.every = 1;
  settings.ahead = 1;
  run_book book(settings, clock);
  book.next();
  BOOST_TEST(text(book.next()) == "save 1");
  finish(book, 0);
  save(book);
  book.stop();
  BOOST_TEST(text(book.next()) == "-");
  BOOST_TEST(book.complete());
}

BOOST_AUTO_TEST_CASE(a_resumed_run_goes_on_with_the_next_step) {
  settings.first_step = 6;
  run_book book(settings, clock);
  const auto first = book.next();
  BOOST_TEST(text(first) == "step 6");
  BOOST_TEST(std::get<step_plan>(*first).of == 8u);
  BOOST_TEST(text(book.next()) == "step 7");
  BOOST_TEST(text(book.next()) == "save 8");
}

BOOST_AUTO_TEST_CASE(progress_sums_counts_and_takes_the_longest_time) {
  run_book book(settings, clock);
  book.next();
  clock.advance(std::chrono::seconds(2));
  BOOST_TEST(!book.take(done(0, 0))->has_value());
  const auto progress = book.take(done(1, 0));
  BOOST_REQUIRE(progress->has_value());
  const training_progress& p = **progress;
  BOOST_TEST(p.report.pairs == 21u);
  BOOST_TEST(p.report.tokens == 200u);
  BOOST_TEST(p.report.forward_s == .5);
  BOOST_TEST(p.idle_s == 7);
  BOOST_TEST(p.data_wait_s == 1);
  BOOST_TEST(p.step_s == 3);
  BOOST_TEST(p.pairs_per_s == 7);
  BOOST_TEST(p.of == 8u);
  BOOST_TEST(p.seconds_left == 14);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_holds_the_banks_in_the_order_of_the_ranks) {
  settings.of = 1;
  run_book book(settings, clock);
  book.next();
  BOOST_TEST(text(book.next()) == "save 1");
  BOOST_TEST((*book.take(part(1)) == nullptr));
  const auto whole = book.take(part(0));
  BOOST_REQUIRE((whole.ok() && *whole));
  BOOST_REQUIRE((*whole)->banks.size() == 2u);
  BOOST_TEST((*whole)->banks[0].columns == 1);
  BOOST_TEST((*whole)->banks[1].columns == 2);
}

BOOST_AUTO_TEST_CASE(what_nobody_asked_for_is_refused) {
  run_book book(settings, clock);
  BOOST_TEST((book.take(done(0, 0)).failure().code() == errc::internal));
  book.next();
  BOOST_REQUIRE(book.take(done(0, 0)).ok());
  BOOST_TEST((book.take(done(0, 0)).failure().code() == errc::internal));
  BOOST_TEST((book.take(done(2, 0)).failure().code() == errc::internal));
  BOOST_TEST((book.take(part(0)).failure().code() == errc::internal));
}

BOOST_AUTO_TEST_CASE(after_a_failure_nothing_is_handed_out_and_the_cause_is_kept) {
  run_book book(settings, clock);
  book.next();
  book.fail({errc::aborted, "rank 0: step 0: the cause, as rank 1 heard it"});
  BOOST_TEST(text(book.next()) == "-");
  book.fail({errc::corrupt, "rank 0: step 0: the cause"});
  book.fail({errc::io_error, "a later one"});
  BOOST_TEST(!book.complete());
  BOOST_TEST(book.end().failure().text() == "corrupt: rank 0: step 0: the cause");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy

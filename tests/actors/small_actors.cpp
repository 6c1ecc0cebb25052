// Loader, memory bank, checkpointer and worker: the state classes alone, then the actors on the deterministic scheduler.
#include <boost/test/unit_test.hpp>
#include <caf/event_based_actor.hpp>

#include "actors/batch_queue.hpp"
#include "actors/checkpointer.hpp"
#include "actors/loader.hpp"
#include "actors/memory_bank_actor.hpp"
#include "actors/worker.hpp"
#include "tests/support/actor_fixture.hpp"

namespace argosy {
namespace {

struct counted_batches {
  std::vector<std::uint64_t> made;
  std::uint64_t fails_at = ~0ull;
  batch_queue::maker maker() {
    return [this](std::uint64_t step) -> result<batch> {
      made.push_back(step);
      if (step == fails_at) return status{errc::corrupt, "shard 1: block 2"};
      batch b;
      b.step = step;
      return b;
    };
  }
};
using steps = std::vector<std::uint64_t>;

BOOST_AUTO_TEST_SUITE(batch_queues)

BOOST_AUTO_TEST_CASE(fills_ahead_up_to_its_depth_and_not_past_the_end) {
  counted_batches batches;
  batch_queue queue(batches.maker(), 4, 2);
  BOOST_TEST((*queue.take(0))->step == 0u);
  BOOST_TEST(queue.fill());
  BOOST_TEST(!queue.fill());
  BOOST_TEST(!queue.fill());
  BOOST_TEST((batches.made == steps{0, 1, 2}));
  BOOST_TEST((*queue.take(1))->step == 1u);
  BOOST_TEST(!queue.fill());
  BOOST_TEST((*queue.take(2))->step == 2u);
  BOOST_TEST((*queue.take(3))->step == 3u);
  BOOST_TEST(!queue.fill());
  BOOST_TEST((batches.made == steps{0, 1, 2, 3}));
}

BOOST_AUTO_TEST_CASE(starts_anywhere_and_serves_another_order) {
  counted_batches batches;
  batch_queue queue(batches.maker(), 100, 3);
  BOOST_TEST((*queue.take(50))->step == 50u);
  while (queue.fill()) continue;
  BOOST_TEST((*queue.take(52))->step == 52u);
  BOOST_TEST((*queue.take(7))->step == 7u);
  queue.fill();
  BOOST_TEST((*queue.take(8))->step == 8u);
  BOOST_TEST((batches.made == steps{50, 51, 52, 53, 7, 8}));
}

BOOST_AUTO_TEST_CASE(a_failure_is_told_for_its_step_and_an_exception_is_a_failure) {
  counted_batches batches;
  batches.fails_at = 1;
  batch_queue queue(batches.maker(), 9, 2);
  BOOST_TEST(queue.take(0).ok());
  queue.fill();
  BOOST_TEST(queue.take(1).failure().text() == "corrupt: batch of step 1: shard 1: block 2");
  BOOST_TEST(queue.take(2).ok());
  batch_queue throwing([](std::uint64_t) -> result<batch> { throw std::runtime_error("boom"); }, 9, 2);
  BOOST_TEST(throwing.take(0).failure().text() == "internal error: batch of step 0: boom");
}

BOOST_AUTO_TEST_SUITE_END()

// An engine whose products are 100 * step + row, and whose bank has two columns.
class fake_engine final : public training_engine {
public:
  class remembered_abort final : public abort_handle {
  public:
    void abort(status reason) override { reasons.push_back(std::move(reason)); }
    std::vector<status> reasons;
  };

  int rank() const noexcept override { return 1; }
  std::shared_ptr<abort_handle> aborter() const override { return group; }
  result<std::shared_ptr<memory_bank>> open() override {
    if (!open_failure.ok()) return open_failure;
    if (!has_bank) return std::shared_ptr<memory_bank>{};
    ARGOSY_ASSIGN(auto bank, memory_bank::make(*device_, 3, 2));
    return std::make_shared<memory_bank>(std::move(bank));
  }
  result<step_result> run(const batch& b, const step_plan& plan, const bank_view& bank) override {
    ran.push_back(plan.step);
    bank_seen.emplace_back(bank.product.begin(), bank.product.end());
    if (plan.step == throws_at) throw std::runtime_error("out of paint");
    if (plan.step == aborted_at) return status{errc::aborted, "corrupt: rank 0: step 2: bad shard"};
    clock->advance(std::chrono::seconds(3));
    for (std::size_t i = 0; i < 2; ++i) product[i] = static_cast<std::int64_t>(100 * b.step + i);
    step_result done;
    done.report.step = plan.step;
    done.pushed = {view_of(embedding, 2, 2), product, view_of(log_p, 1, 2)};
    return done;
  }
  result<std::optional<checkpoint_state>> capture(std::uint64_t steps_done) override {
    if (rank() != 0) return std::optional<checkpoint_state>{};
    checkpoint_state state;
    state.facts.steps_done = steps_done;
    return std::optional(state);
  }

  manual_clock* clock = nullptr;
  std::shared_ptr<remembered_abort> group = std::make_shared<remembered_abort>();
  bool has_bank = true;
  status open_failure;
  std::uint64_t throws_at = ~0ull, aborted_at = ~0ull;
  steps ran;
  std::vector<std::vector<std::int64_t>> bank_seen;

private:
  std::unique_ptr<device> device_ = make_reference_device();
  double embedding[4] = {1, 2, 3, 4}, log_p[2] = {-1, -2};
  std::int64_t product[2] = {};
};

struct worker_alone : test::deterministic_actors {
  counted_batches batches;
  std::shared_ptr<fake_engine> engine = [this] {
    auto made = std::make_shared<fake_engine>();
    made->clock = &clock;
    return made;
  }();

  worker_actor start() {
    const auto made = spawn(worker, worker_parts{.engine = engine,
                                                 .batches = spawn(loader, batches.maker(), std::uint64_t{100}, std::size_t{2}, no_gauge),
                                                 .clock = &clock,
                                                 .patience = std::chrono::seconds(60)});
    return made;
  }
  static step_plan plan(std::uint64_t step) { return {.step = step, .of = 100, .phase = phase::bank, .rate = 0}; }
};

using products = std::vector<std::int64_t>;

BOOST_FIXTURE_TEST_SUITE(workers, worker_alone)

BOOST_AUTO_TEST_CASE(runs_steps_and_fills_its_bank_after_each) {
  const auto w = start();
  BOOST_TEST(ask<worker_ready>(w, join_atom_v)->rank == 1);
  for (const std::uint64_t step : {0, 1, 2}) {
    const auto done = ask<step_done>(w, step_atom_v, plan(step));
    BOOST_REQUIRE_MESSAGE(done.ok(), done.failure().text());
    BOOST_TEST(done->rank == 1);
    BOOST_TEST(done->report.step == step);
    BOOST_TEST(done->step_s == 3);
    BOOST_TEST(done->data_wait_s == 0);
    BOOST_TEST(done->idle_s == (step == 0 ? 0 : 2));
    clock.advance(std::chrono::seconds(2));
  }
  BOOST_TEST(engine->bank_seen[0].empty());
  BOOST_TEST(engine->bank_seen[1] == (products{0, 1}), boost::test_tools::per_element());
  BOOST_TEST(engine->bank_seen[2] == (products{101, 1, 100}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(orders_sent_at_once_are_kept_in_their_order) {
  const auto w = start();
  auto ready = self->request(w, caf::infinite, join_atom_v);
  auto first = self->request(w, caf::infinite, step_atom_v, plan(0));
  auto save = self->request(w, caf::infinite, save_atom_v, std::uint64_t{1});
  auto second = self->request(w, caf::infinite, step_atom_v, plan(1));
  run();
  const auto fail = [](const caf::error& why) { BOOST_ERROR(status_of(why).text()); };
  ready.receive([](const worker_ready&) {}, fail);
  first.receive([](const step_done& done) { BOOST_TEST(done.report.step == 0u); }, fail);
  save.receive(
      [](const checkpoint_part& part) {
        BOOST_TEST(part.rank == 1);
        BOOST_TEST((part.weights == nullptr));
        BOOST_REQUIRE(part.bank);
        BOOST_TEST(part.bank->product == (products{0, 1}), boost::test_tools::per_element());
      },
      fail);
  second.receive([](const step_done& done) { BOOST_TEST(done.report.step == 1u); }, fail);
}

BOOST_AUTO_TEST_CASE(the_bank_is_filled_but_not_shown_before_its_phase) {
  const auto w = start();
  ask<worker_ready>(w, join_atom_v).ok();
  auto early = plan(0);
  early.phase = phase::in_batch;
  BOOST_TEST(ask<step_done>(w, step_atom_v, early).ok());
  early.step = 1;
  BOOST_TEST(ask<step_done>(w, step_atom_v, early).ok());
  BOOST_TEST(ask<step_done>(w, step_atom_v, plan(2)).ok());
  BOOST_TEST(engine->bank_seen[1].empty());
  BOOST_TEST(engine->bank_seen[2].size() == 3u);
}

BOOST_AUTO_TEST_CASE(works_without_a_bank) {
  engine->has_bank = false;
  const auto w = start();
  BOOST_TEST(ask<worker_ready>(w, join_atom_v).ok());
  BOOST_TEST(ask<step_done>(w, step_atom_v, plan(0)).ok());
  const auto part = ask<checkpoint_part>(w, save_atom_v, std::uint64_t{1});
  BOOST_REQUIRE(part.ok());
  BOOST_TEST((part->bank == nullptr));
}

BOOST_AUTO_TEST_CASE(an_exception_is_named_cuts_the_group_and_is_the_answer_to_everything_after) {
  engine->throws_at = 1;
  const auto w = start();
  BOOST_TEST(ask<worker_ready>(w, join_atom_v).ok());
  BOOST_TEST(ask<step_done>(w, step_atom_v, plan(0)).ok());
  const std::string want = "internal error: rank 1: step 1: out of paint";
  BOOST_TEST(ask<step_done>(w, step_atom_v, plan(1)).failure().text() == want);
  BOOST_TEST(ask<step_done>(w, step_atom_v, plan(2)).failure().text() == want);
  BOOST_TEST(ask<checkpoint_part>(w, save_atom_v, std::uint64_t{1}).failure().text() == want);
  BOOST_TEST((engine->ran == steps{0, 1}));
  BOOST_REQUIRE(engine->group->reasons.size() == 1u);
  BOOST_TEST(engine->group->reasons[0].text() == want);
}

BOOST_AUTO_TEST_CASE(another_ranks_failure_keeps_that_ranks_name) {
  engine->aborted_at = 2;
  const auto w = start();
  BOOST_TEST(ask<worker_ready>(w, join_atom_v).ok());
  BOOST_TEST(ask<step_done>(w, step_atom_v, plan(2)).failure().message() == "corrupt: rank 0: step 2: bad shard");
}

BOOST_AUTO_TEST_CASE(a_batch_that_cannot_be_read_fails_the_step) {
  batches.fails_at = 1;
  const auto w = start();
  BOOST_TEST(ask<worker_ready>(w, join_atom_v).ok());
  BOOST_TEST(ask<step_done>(w, step_atom_v, plan(0)).ok());
  BOOST_TEST(ask<step_done>(w, step_atom_v, plan(1)).failure().text() == "corrupt: rank 1: step 1: batch of step 1: shard 1: block 2");
  BOOST_TEST(engine->group->reasons.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_device_that_does_not_open_is_told_by_join) {
  engine->open_failure = {errc::unavailable, "no such device"};
  BOOST_TEST(ask<worker_ready>(start(), join_atom_v).failure().text() == "unavailable: rank 1: no such device");
}

BOOST_AUTO_TEST_SUITE_END()

struct small_actors_fixture : test::deterministic_actors {};
BOOST_FIXTURE_TEST_SUITE(small_actors, small_actors_fixture)

BOOST_AUTO_TEST_CASE(a_loader_answers_and_then_works_ahead) {
  counted_batches batches;
  const auto l = spawn(loader, batches.maker(), std::uint64_t{9}, std::size_t{2}, no_gauge);
  const auto first = ask<batch_ptr>(l, next_atom_v, std::uint64_t{0});
  BOOST_REQUIRE(first.ok());
  BOOST_TEST((*first)->step == 0u);
  BOOST_TEST((batches.made == steps{0, 1, 2}));
}

BOOST_AUTO_TEST_CASE(a_bank_refuses_other_widths_and_stays_as_it_was) {
  const auto dev = make_reference_device();
  auto made = memory_bank::make(*dev, 4, 2);
  const auto bank = spawn(memory_bank_keeper, std::make_shared<memory_bank>(std::move(*made)), no_gauge);
  const double numbers[6] = {1, 2, 3, 4, 5, 6};
  const std::int64_t ids[2] = {7, 8};
  const auto push = [&](std::int64_t width) {
    return ask<push_receipt>(bank, push_atom_v, bank_batch{{view_of(numbers, 2, width), ids, view_of(numbers, 1, 2)}, 5, nullptr});
  };
  BOOST_TEST(push(2)->valid == 2);
  BOOST_TEST((push(3).failure().code() == errc::shape_mismatch));
  const auto lease = ask<bank_lease>(bank, view_atom_v);
  BOOST_REQUIRE(lease.ok());
  BOOST_TEST(lease->view.embedding.rows == 2);
  const auto snapshot = ask<bank_snapshot_ptr>(bank, save_atom_v);
  BOOST_REQUIRE(snapshot.ok());
  BOOST_TEST((*snapshot)->product == (products{7, 8}), boost::test_tools::per_element());
  BOOST_TEST((*snapshot)->step == (steps{5, 5}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_checkpointer_tells_what_it_wrote_or_why_not) {
  actor_board board(clock);
  actor_gauge& gauge = board.add("checkpointer");
  gauge.starts("is not told of the first");
  int calls = 0;
  const auto c = spawn(
      checkpointer,
      [&](const checkpoint_state&) -> status {
        if (++calls == 2) return {errc::io_error, "No space left on device"};
        if (calls == 3) throw std::runtime_error("boom");
        clock.advance(std::chrono::seconds(calls));
        return {};
      },
      &gauge);
  auto state = std::make_shared<checkpoint_state>();
  state->facts.steps_done = 12;
  BOOST_TEST(ask<checkpoint_receipt>(c, save_atom_v, checkpoint_ptr(state))->steps_done == 12u);
  BOOST_TEST((ask<checkpoint_receipt>(c, save_atom_v, checkpoint_ptr(state)).failure().code() == errc::io_error));
  BOOST_TEST((ask<checkpoint_receipt>(c, save_atom_v, checkpoint_ptr(state)).failure().code() == errc::internal));
  const actor_figures figures = board.figures().at(0);
  BOOST_TEST(figures.name == "checkpointer");
  BOOST_TEST(figures.handled == 3u);
  BOOST_TEST(figures.busy_s == 1);
  BOOST_TEST(figures.longest_s == 1);
  BOOST_TEST(figures.cause.find("boom") != std::string::npos, figures.cause);
}

// Each message that is handled sees those that came after it.
BOOST_AUTO_TEST_CASE(a_gauge_tells_what_its_actor_does) {
  actor_board board(clock);
  actor_gauge& gauge = board.add("one");
  board.add("other");
  const auto told = [&] { return board.figures().at(0); };
  gauge.starts("is not told of the first");
  BOOST_TEST(told().cause.empty());
  const auto busy = spawn([&](caf::event_based_actor* it) -> caf::behavior {
    return {gauged(it, &gauge, [&](int seconds) { clock.advance(std::chrono::seconds(seconds)); })};
  });
  for (const int seconds : {1, 5, 2}) caf::anon_send(busy, seconds);
  for (const std::uint64_t waiting : {2, 1, 0}) {
    BOOST_REQUIRE(step());
    BOOST_TEST(told().waiting == waiting);
  }
  BOOST_TEST(told().handled == 3u);
  BOOST_TEST(told().busy_s == 8);
  BOOST_TEST(told().longest_s == 5);
  gauge.starts("its group was cut");
  BOOST_TEST(told().starts == 2u);
  BOOST_TEST(told().cause == "its group was cut");
  gauge.failed("a full disk");
  BOOST_TEST(told().cause == "a full disk");
  BOOST_TEST(board.figures().at(1).starts == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy

// The coordinator against workers that are a list of answers, on the deterministic scheduler.
#include "actors/coordinator.hpp"

#include <boost/test/unit_test.hpp>
#include <stop_token>

#include "tests/support/actor_fixture.hpp"

namespace argosy {
namespace {

// What a fake worker was asked, and how it is to behave.
struct script {
  std::vector<std::string> asked;
  std::uint64_t fails_at = ~0ull, dies_at = ~0ull, silent_at = ~0ull;
};

struct silent_state {
  std::vector<caf::typed_response_promise<step_done>> kept;
};

worker_actor::behavior_type fake_worker(worker_actor::stateful_pointer<silent_state> self, int rank, std::shared_ptr<script> s) {
  return {
      [=](join_atom) { return worker_ready{rank}; },
      [=](step_atom, const step_plan& plan) -> caf::result<step_done> {
        s->asked.push_back("step " + std::to_string(plan.step));
        if (plan.step >= s->fails_at)
          return error_of({errc::corrupt, "rank " + std::to_string(rank) + ": step " + std::to_string(plan.step) + ": bad"});
        if (plan.step == s->dies_at) throw std::runtime_error("not even caught");
        if (plan.step == s->silent_at) {
          self->state.kept.push_back(self->make_response_promise<step_done>());
          return self->state.kept.back();
        }
        step_done done;
        done.rank = rank;
        done.report.step = plan.step;
        done.report.loss = static_cast<double>(plan.step);
        return done;
      },
      [=](save_atom, std::uint64_t steps) {
        s->asked.push_back("save " + std::to_string(steps));
        checkpoint_part part{rank, nullptr, std::make_shared<memory_bank::snapshot>()};
        if (rank == 0) {
          part.weights = std::make_shared<checkpoint_state>();
          part.weights->facts.steps_done = steps;
        }
        return part;
      },
  };
}

class remembered_abort final : public abort_handle {
public:
  void abort(status reason) override {
    if (first.ok()) first = std::move(reason);
  }
  status first;
};

// Answers at once, or, where the run says that measuring waits, when it is told to go on.
struct fake_run;
using slow_evaluator_actor = evaluator_actor::extend<caf::reacts_to<next_atom>>;
slow_evaluator_actor::behavior_type slow_evaluator(slow_evaluator_actor::pointer, fake_run*, std::stop_token);

struct fake_run : test::deterministic_actors {
  std::vector<std::shared_ptr<script>> scripts{std::make_shared<script>(), std::make_shared<script>()};
  std::shared_ptr<remembered_abort> group = std::make_shared<remembered_abort>();
  std::vector<std::uint64_t> written, shown;
  std::vector<std::string> order;  // of writing and measuring
  bool measures = false, measuring_waits = false;
  slow_evaluator_actor measuring;
  std::stop_token cut;
  status write_answer, measure_answer, sink_answer;
  run_settings settings = [] {
    run_settings s;
    s.recipe.train.workers = 2;
    s.recipe.checkpoint.every = 2;
    s.of = 5;
    return s;
  }();

  coordinator_actor start() {
    coordinator_parts parts;
    parts.settings = settings;
    for (int rank : {0, 1}) parts.workers.push_back(spawn(fake_worker, rank, scripts[static_cast<std::size_t>(rank)]));
    parts.checkpoints = spawn(
        checkpointer,
        [this](const checkpoint_state& state) {
          written.push_back(state.facts.steps_done);
          order.push_back("write " + std::to_string(state.facts.steps_done));
          return write_answer;
        },
        no_gauge);
    if (measures) parts.evaluations = measuring = spawn(slow_evaluator, this, parts.stop_evaluating.get_token());
    parts.sink = [this](const training_progress& p) {
      shown.push_back(p.report.step);
      return sink_answer;
    };
    parts.group = group;
    parts.clock = &clock;
    parts.patience = std::chrono::seconds(60);
    return spawn(coordinator, parts);
  }
};

slow_evaluator_actor::behavior_type slow_evaluator(slow_evaluator_actor::pointer self, fake_run* run, std::stop_token stop) {
  const auto waiting = std::make_shared<caf::typed_response_promise<checkpoint_receipt>>();
  return {[=](evaluate_atom, const checkpoint_ptr& state) -> caf::result<checkpoint_receipt> {
            run->order.push_back("measure " + std::to_string(state->facts.steps_done));
            run->cut = stop;
            if (!run->measure_answer.ok()) return error_of(run->measure_answer);
            if (!run->measuring_waits) return checkpoint_receipt{state->facts.steps_done};
            *waiting = self->make_response_promise<checkpoint_receipt>();
            return *waiting;
          },
          [=](next_atom) { waiting->deliver(checkpoint_receipt{}); }};
}

using steps = std::vector<std::uint64_t>;
using asked = std::vector<std::string>;

BOOST_FIXTURE_TEST_SUITE(coordinators, fake_run)

BOOST_AUTO_TEST_CASE(gives_every_worker_the_same_orders_and_writes_checkpoints) {
  const auto end = ask<training_end>(start(), run_atom_v);
  BOOST_REQUIRE_MESSAGE(end.ok(), end.failure().text());
  BOOST_TEST(end->steps_done == 5u);
  BOOST_TEST(!end->interrupted);
  const asked want{"step 0", "step 1", "save 2", "step 2", "step 3", "save 4", "step 4", "save 5"};
  BOOST_TEST(scripts[0]->asked == want, boost::test_tools::per_element());
  BOOST_TEST(scripts[1]->asked == want, boost::test_tools::per_element());
  BOOST_TEST((shown == steps{0, 1, 2, 3, 4}));
  BOOST_TEST((written == steps{2, 4, 5}));
  BOOST_TEST(group->first.ok());
}

BOOST_AUTO_TEST_CASE(every_checkpoint_is_measured_and_the_last_one_before_the_end) {
  measures = true;
  const auto end = ask<training_end>(start(), run_atom_v);
  BOOST_REQUIRE_MESSAGE(end.ok(), end.failure().text());
  const asked want{"write 2", "measure 2", "write 4", "measure 4", "write 5", "measure 5"};
  BOOST_TEST(order == want, boost::test_tools::per_element());
}

// However long it takes: the patience is for workers.
BOOST_AUTO_TEST_CASE(the_next_checkpoint_waits_for_an_evaluation) {
  measures = measuring_waits = true;
  auto answer = self->request(start(), caf::infinite, run_atom_v);
  run();
  advance(std::chrono::hours(2));
  BOOST_TEST((order == asked{"write 2", "measure 2"}));
  BOOST_TEST((shown == steps{0, 1, 2, 3}));
  BOOST_TEST(!cut.stop_requested());
  measuring_waits = false;
  caf::anon_send(measuring, next_atom_v);
  run();
  BOOST_TEST((order == asked{"write 2", "measure 2", "write 4", "measure 4", "write 5", "measure 5"}));
  answer.receive([](const training_end& end) { BOOST_TEST(end.steps_done == 5u); },
                 [](const caf::error& why) { BOOST_ERROR(status_of(why).text()); });
}

BOOST_AUTO_TEST_CASE(a_worker_that_fails_cuts_the_evaluation_short) {
  measures = measuring_waits = true;
  scripts[0]->fails_at = 3;
  auto answer = self->request(start(), caf::infinite, run_atom_v);
  run();
  BOOST_TEST(cut.stop_requested());
  caf::anon_send(measuring, next_atom_v);
  run();
  answer.receive([](const training_end&) { BOOST_ERROR("the run went on"); },
                 [](const caf::error& why) { BOOST_TEST(status_of(why).message() == "rank 0: step 3: bad"); });
}

BOOST_AUTO_TEST_CASE(an_evaluation_that_fails_ends_the_run_and_the_checkpoint_stays) {
  measures = true;
  measure_answer = {errc::io_error, "evaluation.jsonl: No space left on device"};
  const auto end = ask<training_end>(start(), run_atom_v);
  BOOST_TEST((end.failure().code() == errc::io_error));
  BOOST_TEST(end.failure().message() == "evaluation after 2 steps: evaluation.jsonl: No space left on device");
  BOOST_TEST((written == steps{2}));
}

BOOST_AUTO_TEST_CASE(a_failing_worker_ends_the_run_with_its_words_and_cuts_the_group) {
  scripts[1]->fails_at = 3;
  const auto end = ask<training_end>(start(), run_atom_v);
  BOOST_TEST(end.failure().text() == "corrupt: rank 1: step 3: bad");
  BOOST_TEST(group->first.message() == "rank 1: step 3: bad");
  BOOST_TEST((shown == steps{0, 1, 2}));
  BOOST_TEST((written == steps{2}));
}

BOOST_AUTO_TEST_CASE(a_worker_that_dies_ends_the_run_and_is_named) {
  scripts[0]->dies_at = 1;
  const auto end = ask<training_end>(start(), run_atom_v);
  BOOST_TEST(end.failure().message().find("rank 0") == 0u);
  BOOST_TEST(end.failure().message().find("runtime_error") != std::string::npos);
  BOOST_TEST(!group->first.ok());
}

BOOST_AUTO_TEST_CASE(a_worker_that_keeps_silent_is_not_waited_for_longer_than_patience) {
  scripts[1]->silent_at = 1;
  const auto run = start();
  BOOST_TEST((ask<training_end>(run, run_atom_v).failure().code() == errc::unavailable));
  advance(std::chrono::seconds(59));
  BOOST_TEST(!self->has_next_message());
  advance(std::chrono::seconds(2));
  BOOST_REQUIRE(self->has_next_message());
  BOOST_TEST(group->first.message() == "rank 1, step 1: request_timeout");
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_cannot_be_written_ends_the_run) {
  write_answer = {errc::io_error, "/run: No space left on device"};
  const auto end = ask<training_end>(start(), run_atom_v);
  BOOST_TEST(end.failure().text() == "input/output error: checkpoint after 2 steps: /run: No space left on device");
}

BOOST_AUTO_TEST_CASE(a_sink_that_refuses_ends_the_run) {
  sink_answer = {errc::io_error, "metrics.jsonl: No space left on device"};
  BOOST_TEST(ask<training_end>(start(), run_atom_v).failure().text() == "input/output error: metrics.jsonl: No space left on device");
  BOOST_TEST((shown == steps{0}));
}

BOOST_AUTO_TEST_CASE(a_stop_before_the_start_ends_at_once_without_a_checkpoint) {
  const auto run = start();
  caf::anon_send(run, stop_atom_v);
  const auto end = ask<training_end>(run, run_atom_v);
  BOOST_REQUIRE_MESSAGE(end.ok(), end.failure().text());
  BOOST_TEST(end->interrupted);
  BOOST_TEST(end->steps_done == 0u);
  BOOST_TEST(written.empty());
}

BOOST_AUTO_TEST_CASE(a_stop_finishes_what_is_in_flight_and_saves_it) {
  settings.of = 1000;
  settings.recipe.checkpoint.every = 0;
  measures = true;
  const auto run = start();
  auto answer = self->request(run, caf::infinite, run_atom_v);
  while (shown.size() < 3 && step()) continue;
  caf::anon_send(run, stop_atom_v);
  fake_run::run();
  BOOST_REQUIRE(self->has_next_message());
  answer.receive(
      [&](const training_end& end) {
        BOOST_TEST(end.interrupted);
        BOOST_TEST(end.steps_done < 10u);
        BOOST_TEST((written == steps{end.steps_done}));
        BOOST_TEST((order == asked{"write " + std::to_string(end.steps_done)}));
        BOOST_TEST(shown.size() == end.steps_done);
      },
      [](const caf::error& why) { BOOST_ERROR(status_of(why).text()); });
}

BOOST_AUTO_TEST_CASE(a_second_run_is_refused) {
  const auto run = start();
  BOOST_REQUIRE(ask<training_end>(run, run_atom_v).ok());
  BOOST_TEST((ask<training_end>(run, run_atom_v).failure().code() == errc::invalid_argument));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy

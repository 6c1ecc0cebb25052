// Whole runs on threads with real replicas, without files of data: the same numbers twice, across a kill, and how a run ends badly.
#include "actors/training_system.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "tests/actors/tiny.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/guarded_device.hpp"

namespace argosy {
namespace {

using device_maker = std::function<std::unique_ptr<device>()>;
using batch_maker = batch (*)(std::uint64_t, const batch_share&);

// An engine that does its work until a step of one rank.
class mortal_engine final : public training_engine {
public:
  mortal_engine(std::shared_ptr<training_engine> inner, std::function<status(std::uint64_t)> at)
      : inner_(std::move(inner)), at_(std::move(at)) {}
  int rank() const noexcept override { return inner_->rank(); }
  std::shared_ptr<abort_handle> aborter() const override { return inner_->aborter(); }
  result<std::shared_ptr<memory_bank>> open() override { return inner_->open(); }
  result<step_result> run(const batch& b, const step_plan& plan, const bank_view& bank) override {
    ARGOSY_TRY(at_(plan.step));
    return inner_->run(b, plan, bank);
  }
  result<std::optional<checkpoint_state>> capture(std::uint64_t steps_done) override { return inner_->capture(steps_done); }

private:
  std::shared_ptr<training_engine> inner_;
  std::function<status(std::uint64_t)> at_;
};

struct tiny_run {
  test::scratch_folder folder;
  system_clock_source clock;
  recipe choices = test::tiny_recipe(1);
  device_maker make_device = [] { return make_reference_device(); };
  batch_maker make_rows = test::tiny_batch;
  std::function<status(int rank, std::uint64_t step)> trouble = [](int, std::uint64_t) { return status{}; };
  std::vector<training_progress> shown;
  std::stop_source stop;
  std::uint64_t stop_after = ~0ull;

  result<training_end> train(std::shared_ptr<const checkpoint_state> from = nullptr) {
    auto facts = test::tiny_facts(choices);
    if (from) facts.steps_done = from->facts.steps_done;
    training_system system;
    system.settings = {.recipe = choices, .of = facts.of, .first_step = facts.steps_done};
    system.engine = [=, this](std::unique_ptr<collective> member) -> std::shared_ptr<training_engine> {
      const int rank = member->rank();
      auto inner = make_replica_engine({.facts = facts, .make_device = make_device, .resume = from}, std::move(member), clock);
      return std::make_shared<mortal_engine>(std::move(inner), [=, this](std::uint64_t step) { return trouble(rank, step); });
    };
    system.batches = [this](int rank) {
      const batch_share share{.global_batch = test::tiny_batch_size, .rank = rank, .workers = choices.train.workers};
      return [this, share](std::uint64_t step) -> result<batch> { return make_rows(step, share); };
    };
    system.write = [this](const checkpoint_state& state) { return write_checkpoint(folder.path(), state); };
    system.sink = [this](const training_progress& p) -> status {
      shown.push_back(p);
      if (p.report.step == stop_after) stop.request_stop();
      return {};
    };
    return run_system(system, clock, stop.get_token());
  }

  std::vector<double> losses() const {
    std::vector<double> all;
    for (const auto& p : shown) all.push_back(p.report.loss);
    return all;
  }
  std::shared_ptr<const checkpoint_state> newest() const {
    const auto path = find_checkpoint(folder.path());
    BOOST_REQUIRE_MESSAGE(path.ok(), path.failure().text());
    auto state = read_checkpoint(*path);
    BOOST_REQUIRE_MESSAGE(state.ok(), state.failure().text());
    return std::make_shared<const checkpoint_state>(std::move(*state));
  }
};

void check_same_twice(int workers, const device_maker& make_device) {
  std::vector<double> losses[2];
  for (auto& series : losses) {
    tiny_run run;
    run.choices = test::tiny_recipe(workers);
    run.make_device = make_device;
    const auto end = run.train();
    BOOST_REQUIRE_MESSAGE(end.ok(), end.failure().text());
    BOOST_TEST(end->steps_done == 8u);
    series = run.losses();
  }
  BOOST_TEST(losses[0].size() == 8u);
  BOOST_TEST(losses[0] == losses[1], boost::test_tools::per_element());
}

// Killed at a step and resumed from the last checkpoint, in float32 as checkpoints are: the series is that of a run never killed.
void check_same_after_a_kill(int workers, bool in_shards = false) {
  tiny_run whole, killed;
  for (tiny_run* run : {&whole, &killed}) {
    run->choices = test::tiny_recipe(workers);
    run->make_device = [] { return make_cpu_device(1); };
  }
  killed.choices.train.shard_moments = in_shards;
  BOOST_REQUIRE(whole.train().ok());
  killed.trouble = [](int, std::uint64_t step) { return step == 7 ? status{errc::internal, "killed"} : status{}; };
  BOOST_TEST(!killed.train().ok());
  const auto from = killed.newest();
  BOOST_TEST(from->facts.steps_done == 6u);
  killed.shown.resize(from->facts.steps_done);
  killed.trouble = [](int, std::uint64_t) { return status{}; };
  const auto end = killed.train(from);
  BOOST_REQUIRE_MESSAGE(end.ok(), end.failure().text());
  BOOST_TEST(end->steps_done == 8u);
  BOOST_TEST(killed.losses() == whole.losses(), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_SUITE(training_systems, tiny_run)

BOOST_AUTO_TEST_CASE(one_worker_gives_the_same_losses_twice) {
  check_same_twice(1, [] { return make_cpu_device(1); });
}
BOOST_AUTO_TEST_CASE(two_workers_give_the_same_losses_twice) {
  check_same_twice(2, [] { return make_cpu_device(1); });
}
BOOST_AUTO_TEST_CASE(two_workers_of_two_threads_give_the_same_losses_twice) {
  check_same_twice(2, [] { return make_cpu_device(2); });
}
// Worker and bank, and the checkpoints between them: no actor touches the memory of a device (tests/model/residency.cpp).
BOOST_AUTO_TEST_CASE(a_worker_whose_device_is_closed_to_the_host_gives_the_same_losses) {
  tiny_run open, closed;
  open.make_device = [] { return make_cpu_device(1); };
  closed.make_device = [] { return test::make_guarded_device(1); };
  for (tiny_run* run : {&open, &closed}) {
    const auto end = run->train();
    BOOST_REQUIRE_MESSAGE(end.ok(), end.failure().text());
  }
  BOOST_TEST(open.losses() == closed.losses(), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_worker_killed_and_resumed_gives_the_same_losses) { check_same_after_a_kill(1); }
BOOST_AUTO_TEST_CASE(two_workers_killed_and_resumed_give_the_same_losses) { check_same_after_a_kill(2); }
BOOST_AUTO_TEST_CASE(three_workers_that_hold_shards_of_the_moments_do_too) { check_same_after_a_kill(3, true); }

// Oracle 5. Six pairs a step, two workers, a bank of ten: all products differ, so the counts are exact.
BOOST_AUTO_TEST_CASE(negatives_change_at_exactly_the_configured_step) {
  choices = test::tiny_recipe(2);
  choices.negatives.bank_start = .25;
  choices.negatives.cross_device_start = .5;
  make_rows = test::distinct_batch;
  BOOST_REQUIRE(train().ok());
  BOOST_REQUIRE(shown.size() == 8u);
  for (const auto& p : shown) {
    const auto step = p.report.step;
    BOOST_TEST(p.report.negatives_product == (step < 4 ? 2 : 5), "step " << step);
    BOOST_TEST(p.report.candidates_product == (step < 4 ? 3u : 6u), "step " << step);
    // Each rank pushes its three products a step before the switch, all six after it.
    const double bank = step < 2 ? 0 : step == 2 ? 6 : step == 3 ? 9 : 10;
    BOOST_TEST(p.report.negatives_bank == bank, "step " << step);
    BOOST_TEST(static_cast<double>(p.report.candidates_bank) == bank, "step " << step);
    BOOST_TEST((p.report.hardness_bank > 0) == (step >= 2), "step " << step);
    BOOST_TEST(crosses_devices(p.report.phase) == (step >= 4), "step " << step);
    BOOST_TEST(p.report.pairs == 6u);
  }
}

BOOST_AUTO_TEST_CASE(a_run_ends_with_a_checkpoint_of_all_its_steps) {
  choices = test::tiny_recipe(2);
  const auto end = train();
  BOOST_REQUIRE_MESSAGE(end.ok(), end.failure().text());
  const auto state = newest();
  BOOST_TEST(state->facts.steps_done == 8u);
  BOOST_TEST(state->banks.size() == 2u);
  BOOST_TEST(state->banks[1].product.size() == 10u);
  BOOST_TEST(end->last_loss == losses().back());
}

BOOST_AUTO_TEST_CASE(a_worker_that_throws_ends_the_run_by_name_and_leaves_the_last_checkpoint) {
  choices = test::tiny_recipe(2);
  trouble = [](int rank, std::uint64_t step) -> status {
    if (rank == 1 && step == 5) throw std::runtime_error("out of paint");
    return {};
  };
  BOOST_TEST(train().failure().text() == "internal error: rank 1: step 5: out of paint");
  // The failure may overtake the other rank's report of step 4.
  BOOST_TEST(shown.size() >= 4u);
  BOOST_TEST(shown.size() <= 5u);
  BOOST_TEST(newest()->facts.steps_done == 3u);
}

BOOST_AUTO_TEST_CASE(a_stop_finishes_saves_and_says_so) {
  choices = test::tiny_recipe(2);
  choices.train.steps = 400;
  choices.checkpoint.every = 0;
  stop_after = 2;
  const auto end = train();
  BOOST_REQUIRE_MESSAGE(end.ok(), end.failure().text());
  BOOST_TEST(end->interrupted);
  BOOST_TEST(end->steps_done < 400u);
  BOOST_TEST(newest()->facts.steps_done == end->steps_done);
  BOOST_TEST(shown.size() == end->steps_done);
}

BOOST_AUTO_TEST_CASE(a_loss_that_is_not_finite_ends_the_run) {
  make_rows = [](std::uint64_t step, const batch_share& share) {
    auto b = test::tiny_batch(step, share);
    if (step == 4) b.product.log_p[0] = std::numeric_limits<float>::quiet_NaN();
    return b;
  };
  const auto text = train().failure().text();
  BOOST_TEST(text.find("rank 0: step 4: the loss is not finite") != std::string::npos, text);
  BOOST_TEST(newest()->facts.steps_done == 3u);
}

BOOST_AUTO_TEST_CASE(runs_without_a_bank) {
  choices.negatives.bank = 0;
  const auto end = train();
  BOOST_REQUIRE_MESSAGE(end.ok(), end.failure().text());
  for (const auto& p : shown) BOOST_TEST(p.report.negatives_bank == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy

// Oracle 4: W ranks equal one rank on the same global batch, loss and gradients. Oracle 3: what is in the bank, and when.
#include "actors/train_step.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <optional>
#include <thread>

#include "kernels/transfer.hpp"
#include "tests/actors/timed_group.hpp"
#include "tests/actors/tiny.hpp"
#include "tests/support/gloo_ranks.hpp"

namespace argosy {
namespace {

using device_maker = std::function<std::unique_ptr<device>()>;

struct series {
  std::vector<step_report> reports;
  std::vector<std::vector<double>> gradients;  // after each step, all parameters in their order
  std::vector<std::vector<std::int64_t>> in_bank_at_loss;
};

std::vector<double> gradients_of(const retrieval_model& model) {
  std::vector<double> all;
  const auto& weights = model.weights();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto gradient = numbers_of(model.on(), weights[i].gradient).value();
    all.insert(all.end(), gradient.begin(), gradient.end());
  }
  return all;
}

constexpr double usual_rate = 1e-2;

using recipe_maker = recipe (*)(int workers);
using group_maker = std::function<std::vector<std::unique_ptr<collective>>(int workers)>;

// All but eq. 1, whose softmax is over the patches of a rank.
recipe with_tasks(int workers) {
  recipe r = test::tiny_recipe(workers);
  r.tasks.words = .7;
  r.tasks.patch_regression = .3;
  r.tasks.classification = .6;
  r.tasks.word_rate = r.tasks.patch_rate = .3;
  return r;
}

// One rank through `steps` steps of one phase, its bank filled with what each step pushed.
status train(collective& group, const device_maker& make_device, phase now, bool fill_bank, std::uint64_t steps, double rate, series& out,
             recipe_maker make_recipe) {
  const auto r = make_recipe(group.size());
  const auto dev = make_device();
  ARGOSY_ASSIGN(auto model, replica::make(*dev, r, test::tiny_inputs()));
  ARGOSY_ASSIGN(auto bank, memory_bank::make(*dev, 10, model.model().width()));
  const manual_clock clock;
  step_runner runner(model, group, r, clock);
  for (std::uint64_t step = 0; step < steps; ++step) {
    const auto b = test::tiny_batch(step, {.global_batch = test::tiny_batch_size, .rank = group.rank(), .workers = group.size()});
    const auto view = bank.view();
    out.in_bank_at_loss.emplace_back(view.product.begin(), view.product.end());
    ARGOSY_ASSIGN(const auto done, runner.run(b, {.step = step, .of = 8, .phase = now, .rate = rate}, view));
    out.reports.push_back(done.report);
    out.gradients.push_back(gradients_of(model.model()));
    if (fill_bank) ARGOSY_TRY(bank.push({done.pushed.embedding, done.pushed.product, done.pushed.log_p, step}));
  }
  return {};
}

std::vector<series> train_ranks(int workers, const device_maker& make_device, phase now, bool fill_bank, std::uint64_t steps = 3,
                                double rate = usual_rate, recipe_maker make_recipe = test::tiny_recipe,
                                const group_maker& make_group = make_in_process_group) {
  const auto group = make_group(workers);
  std::vector<series> all(group.size());
  std::vector<status> ends(group.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t r = 0; r < group.size(); ++r)
      threads.emplace_back([&, r] { ends[r] = train(*group[r], make_device, now, fill_bank, steps, rate, all[r], make_recipe); });
  }
  for (const auto& end : ends) BOOST_REQUIRE_MESSAGE(end.ok(), end.text());
  return all;
}

// |a - b| / |b|
double relative_distance(const std::vector<double>& a, const std::vector<double>& b) {
  double apart = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    apart += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  return std::sqrt(apart / size);
}

void check_ranks_equal_one(const device_maker& make_device, phase now, bool fill_bank, double tolerance, double rate = usual_rate,
                           recipe_maker make_recipe = test::tiny_recipe) {
  const auto one = train_ranks(1, make_device, now, fill_bank, 3, rate, make_recipe)[0];
  for (const int workers : {2, 3}) {
    const auto many = train_ranks(workers, make_device, now, fill_bank, 3, rate, make_recipe);
    for (const auto& rank : many)
      for (std::size_t step = 0; step < one.reports.size(); ++step) {
        const auto &got = rank.reports[step], &want = one.reports[step];
        BOOST_TEST(std::abs(got.loss - want.loss) <= tolerance * std::abs(want.loss),
                   workers << " workers, step " << step << ": " << got.loss << " " << want.loss);
        BOOST_TEST(relative_distance(rank.gradients[step], one.gradients[step]) <= tolerance, workers << " workers, step " << step);
        BOOST_TEST(got.negatives_product == want.negatives_product);
        BOOST_TEST(got.negatives_bank == want.negatives_bank);
        BOOST_TEST(std::abs(got.gate_image - want.gate_image) <= tolerance);
        BOOST_TEST(std::abs(got.hardness_bank - want.hardness_bank) <= tolerance);
        BOOST_TEST((rank.gradients[step] == many[0].gradients[step]), "ranks differ");
        BOOST_TEST((rank.in_bank_at_loss[step] == one.in_bank_at_loss[step]), workers << " workers, step " << step << ": other banks");
      }
  }
}

std::unique_ptr<device> on_cpu() { return make_cpu_device(1); }
std::unique_ptr<device> by_reference() { return make_reference_device(); }

BOOST_AUTO_TEST_SUITE(train_steps)

// Both sides sum the same terms in another order: float64 leaves 1e-16 a term; AdamW divides by the root of the second moment, which
// amplifies it where gradients are near zero.
BOOST_AUTO_TEST_CASE(ranks_equal_one_big_batch_reference) { check_ranks_equal_one(by_reference, phase::cross_device, false, 1e-8); }
BOOST_AUTO_TEST_CASE(ranks_equal_one_big_batch_with_a_bank_reference) {
  check_ranks_equal_one(by_reference, phase::cross_device_and_bank, true, 1e-8);
}
BOOST_AUTO_TEST_CASE(ranks_equal_one_big_batch_with_every_task_reference) {
  check_ranks_equal_one(by_reference, phase::cross_device_and_bank, true, 1e-8, usual_rate, with_tasks);
  const auto one = train_ranks(1, by_reference, phase::in_batch, false, 1, usual_rate, with_tasks)[0].reports[0];
  for (const task t : {task::query_words, task::title_words, task::patch_regression, task::classification})
    BOOST_TEST(one.task_loss[static_cast<std::size_t>(t)] > 0, name_of(t));
  BOOST_TEST(std::isnan(one.task_loss[static_cast<std::size_t>(task::patches)]));
}
// method.md, oracle 4: 1e-5 of the gradient's norm in float32.
BOOST_AUTO_TEST_CASE(ranks_equal_one_big_batch_cpu) {
  const auto one = train_ranks(1, on_cpu, phase::cross_device, false, 1)[0];
  for (const int workers : {2, 3})
    for (const auto& rank : train_ranks(workers, on_cpu, phase::cross_device, false, 1)) {
      BOOST_TEST(std::abs(rank.reports[0].loss - one.reports[0].loss) <= 1e-5 * one.reports[0].loss);
      BOOST_TEST(relative_distance(rank.gradients[0], one.gradients[0]) <= 1e-5);
    }
}

// Rate 0: the weights of all groups stay equal bit for bit, and so do, to rounding, the products that fill the banks in the order of ranks.
BOOST_AUTO_TEST_CASE(ranks_equal_one_big_batch_with_a_bank_cpu) {
  check_ranks_equal_one(on_cpu, phase::cross_device_and_bank, true, 1e-5, 0);
  BOOST_TEST(train_ranks(2, on_cpu, phase::cross_device_and_bank, true, 3, 0)[1].reports[2].negatives_bank > 0);
}

// Gloo's ranks sum in the order of the ranks as those of one process do: every bit is the same.
BOOST_AUTO_TEST_CASE(ranks_over_gloo_train_what_ranks_of_one_process_train) {
  const auto over_gloo = [](int workers) { return test::make_gloo_group(workers); };
  for (const auto& [make_device, workers] : {std::pair<device_maker, int>{by_reference, 3}, {on_cpu, 2}}) {
    const auto train_over = [&](const group_maker& group) {
      return train_ranks(workers, make_device, phase::cross_device_and_bank, true, 3, usual_rate, with_tasks, group);
    };
    const auto got = train_over(over_gloo), want = train_over(make_in_process_group);
    for (std::size_t r = 0; r < got.size(); ++r) {
      BOOST_TEST((got[r].gradients == want[r].gradients), "rank " << r);
      BOOST_TEST((got[r].in_bank_at_loss == want[r].in_bank_at_loss), "rank " << r);
      for (std::size_t step = 0; step < got[r].reports.size(); ++step)
        BOOST_TEST(got[r].reports[step].loss == want[r].reports[step].loss, "rank " << r << ", step " << step);
    }
  }
}

// Buckets of a KiB: sums of a thread of their own, while backward goes on.
recipe in_many_buckets(int workers) {
  recipe r = with_tasks(workers);
  r.train.bucket_kib = 1;
  return r;
}

BOOST_AUTO_TEST_CASE(ranks_over_gloo_that_sum_in_many_buckets_too) {
  const auto over_gloo = [](int workers) { return test::make_gloo_group(workers); };
  const auto got = train_ranks(3, on_cpu, phase::cross_device_and_bank, true, 3, usual_rate, in_many_buckets, over_gloo);
  const auto want = train_ranks(3, on_cpu, phase::cross_device_and_bank, true, 3, usual_rate, with_tasks);
  for (std::size_t r = 0; r < got.size(); ++r) BOOST_TEST((got[r].gradients == want[r].gradients), "rank " << r);
}

// Oracle 4 once more, in processes: each compares what it got with one rank on the whole batch.
status equals_one_rank(collective& group) {
  series many, one;
  ARGOSY_TRY(train(group, by_reference, phase::cross_device_and_bank, true, 3, usual_rate, many, test::tiny_recipe));
  ARGOSY_TRY(train(*make_in_process_group(1)[0], by_reference, phase::cross_device_and_bank, true, 3, usual_rate, one, test::tiny_recipe));
  for (std::size_t step = 0; step < one.reports.size(); ++step) {
    const double apart = relative_distance(many.gradients[step], one.gradients[step]);
    if (!(apart <= 1e-8)) return {errc::internal, "step " + std::to_string(step) + ": gradients apart by " + std::to_string(apart)};
    if (many.in_bank_at_loss[step] != one.in_bank_at_loss[step]) return {errc::internal, "step " + std::to_string(step) + ": other banks"};
  }
  return {};
}

BOOST_AUTO_TEST_CASE(ranks_in_processes_equal_one_big_batch_reference) {
  test::gloo_processes group(3, equals_one_rank);
  for (int r = 0; r < 3; ++r) BOOST_TEST(group.end_of(r) == "ok");
}

step_report timed_step(collective& of, phase now) {
  manual_clock clock;
  test::timed_group group(of, clock);
  const recipe with = test::tiny_recipe(group.size());
  const auto dev = on_cpu();
  auto model = replica::make(*dev, with, test::tiny_inputs());
  step_runner runner(*model, group, with, clock);
  const auto b = test::tiny_batch(0, {.global_batch = test::tiny_batch_size, .rank = group.rank(), .workers = group.size()});
  return runner.run(b, {.step = 0, .of = 8, .phase = now, .rate = usual_rate}, {})->report;
}

step_report timed_step_of_two(phase now) {
  const auto group = make_in_process_group(2);
  std::jthread other([&] { timed_step(*group[1], now); });
  return timed_step(*group[0], now);
}

BOOST_AUTO_TEST_CASE(the_exchange_is_told_in_its_parts) {
  const step_report crossing = timed_step_of_two(phase::cross_device);
  BOOST_TEST(crossing.gather_s == 3 * test::timed_group::gathering_s + test::timed_group::scattering_s);
  BOOST_TEST(crossing.reduce_s == 2 * test::timed_group::reducing_s);
  BOOST_TEST(crossing.wait_s == 4 * test::timed_group::meeting_s + 2 * test::timed_group::small_sum_s);
  BOOST_TEST(crossing.exchange_s() == crossing.gather_s + crossing.reduce_s + crossing.wait_s);
  const step_report own = timed_step_of_two(phase::in_batch);
  BOOST_TEST(own.gather_s == 0);
  BOOST_TEST(own.reduce_s == 2 * test::timed_group::reducing_s);
  BOOST_TEST(own.wait_s == 2 * test::timed_group::meeting_s + 2 * test::timed_group::small_sum_s);
  const step_report alone = timed_step(*make_in_process_group(1)[0], phase::cross_device);
  BOOST_TEST(alone.exchange_s() == 0);
  BOOST_TEST(crossing.forward_s + crossing.match_s + crossing.backward_s + crossing.update_s == 0);
}

BOOST_AUTO_TEST_CASE(before_the_switch_a_rank_sees_only_its_own_products) {
  const auto one = train_ranks(1, by_reference, phase::in_batch, false, 1)[0].reports[0];
  const auto two = train_ranks(2, by_reference, phase::in_batch, false, 1)[0].reports[0];
  BOOST_TEST(one.negatives_product > two.negatives_product);
  BOOST_TEST(two.negatives_product <= 2);
  BOOST_TEST(two.pairs == 3u);
  BOOST_TEST(one.loss != two.loss);
}

BOOST_AUTO_TEST_CASE(a_product_of_a_step_enters_the_bank_after_its_loss_oldest_leave_first) {
  const auto rank = train_ranks(1, by_reference, phase::bank, true, 3)[0];
  const auto products = [](std::uint64_t step) { return test::tiny_batch(step, {.global_batch = test::tiny_batch_size}).product.product; };
  BOOST_TEST(rank.in_bank_at_loss[0].empty());
  BOOST_TEST(rank.in_bank_at_loss[1] == products(0), boost::test_tools::per_element());
  // Ten places: six of step 0, six of step 1, so two of step 0 have left and its places 0 and 1 hold the last two of step 1.
  auto want = products(0);
  const auto second = products(1);
  want.insert(want.end(), second.begin(), second.begin() + 4);
  std::copy(second.begin() + 4, second.end(), want.begin());
  BOOST_TEST(rank.in_bank_at_loss[2] == want, boost::test_tools::per_element());
  BOOST_TEST(rank.reports[0].negatives_bank == 0);
  BOOST_TEST(rank.reports[1].negatives_bank > 0);
}

BOOST_AUTO_TEST_CASE(crossing_devices_pushes_the_products_of_all_ranks) {
  const auto ranks = train_ranks(2, by_reference, phase::cross_device_and_bank, true, 2);
  const auto all = test::tiny_batch(0, {.global_batch = test::tiny_batch_size}).product.product;
  for (const auto& rank : ranks) BOOST_TEST(rank.in_bank_at_loss[1] == all, boost::test_tools::per_element());
}

recipe with_a_shared_bank(int workers) {
  recipe r = test::tiny_recipe(workers);
  r.negatives.shared_bank = true;
  return r;
}

// Each has its own part of the batch as negatives, and the products of all in its bank, as one worker has them.
BOOST_AUTO_TEST_CASE(a_shared_bank_is_that_of_one_worker_before_the_switch_too) {
  const auto one = train_ranks(1, on_cpu, phase::bank, true, 3, 0, with_a_shared_bank)[0];
  for (const int workers : {2, 3})
    for (const auto& rank : train_ranks(workers, on_cpu, phase::bank, true, 3, 0, with_a_shared_bank)) {
      for (std::size_t step = 0; step < 3; ++step)
        BOOST_TEST(rank.in_bank_at_loss[step] == one.in_bank_at_loss[step], boost::test_tools::per_element());
      BOOST_TEST(rank.reports[2].candidates_product == test::tiny_batch_size / static_cast<std::uint64_t>(workers));
      BOOST_TEST(rank.reports[2].candidates_bank == 10u);
    }
  const auto own = train_ranks(2, on_cpu, phase::bank, true, 2, 0)[1];
  BOOST_TEST(own.in_bank_at_loss[1].size() == test::tiny_batch_size / 2);
}

BOOST_AUTO_TEST_CASE(a_loss_that_is_not_finite_is_refused_by_all_ranks_and_changes_nothing) {
  const auto group = make_in_process_group(2);
  std::vector<status> ends(2);
  std::vector<std::vector<double>> before(2), after(2);
  {
    std::vector<std::jthread> threads;
    for (std::size_t r = 0; r < 2; ++r)
      threads.emplace_back([&, r] {
        const auto dev = by_reference();
        const recipe with = test::tiny_recipe(2);
        auto model = replica::make(*dev, with, test::tiny_inputs());
        const auto state = [&] {
          std::vector<double> all;
          const auto append = [&](const tensor& more) {
            const auto numbers = numbers_of(*dev, more).value();
            all.insert(all.end(), numbers.begin(), numbers.end());
          };
          auto& weights = model->model().weights();
          for (const int i : {0, 1}) append(weights.arena_of(i).value);
          for (const auto& part : weights.moments().parts()) append(part.first), append(part.second);
          return all;
        };
        before[r] = state();
        const manual_clock clock;
        step_runner runner(*model, *group[r], with, clock);
        auto b = test::tiny_batch(0, {.global_batch = 6, .rank = static_cast<int>(r), .workers = 2});
        if (r == 1) b.product.log_p[0] = std::numeric_limits<float>::quiet_NaN();
        ends[r] = runner.run(b, {.step = 0, .of = 8, .phase = phase::in_batch, .rate = 1e-2}, {}).failure();
        after[r] = state();
      });
  }
  for (const auto& end : ends) BOOST_TEST((end.code() == errc::out_of_range), end.text());
  BOOST_TEST((after == before));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy

// Oracle 4 on CUDA devices that share one memory: two and three workers equal one on the same batch.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <thread>
#include <vector>

#include "actors/train_step.hpp"
#include "base/clock.hpp"
#include "net/on_device.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tested_device.hpp"
#include "tests/support/tiny_model.hpp"

namespace argosy {
namespace {

constexpr std::uint64_t pairs = 12;

struct numbers {
  double loss = 0, gradient_norm = 0, negatives = 0;
};

status train(collective& group, device& on, const recipe& with, std::vector<numbers>& all) {
  ARGOSY_ASSIGN(auto model, replica::make(on, with, test::tiny_inputs()));
  if (with.train.shard_moments) {
    ARGOSY_ASSIGN(auto shards, model.model().weights().make_moments(on, {group.size(), group.rank()}));
    model.model().weights().hold(std::move(shards));
  }
  const system_clock_source clock;
  step_runner runner(model, group, with, clock);
  const auto each = pairs / static_cast<std::uint64_t>(group.size());
  for (const std::uint64_t at : {0U, 1U, 2U}) {
    const auto b = test::tiny_batch(at, pairs * at + each * static_cast<std::uint64_t>(group.rank()), each);
    ARGOSY_ASSIGN(const auto done, runner.run(b, {at, 8, phase::cross_device, 1e-3}, {}));
    all.push_back({done.report.loss, done.report.gradient_norm, done.report.negatives_product});
  }
  return {};
}

std::vector<numbers> train_ranks(int workers, const recipe& with, compute arithmetic = compute::float32) {
  auto host = make_in_process_group(workers);
  std::vector<std::vector<numbers>> all(host.size());
  std::vector<status> ends(host.size());
  std::vector<std::unique_ptr<device>> devices;
  for (std::size_t r = 0; r < host.size(); ++r) devices.push_back(test::make_tested_device(1, arithmetic));
  std::vector<std::jthread> threads;
  for (std::size_t r = 0; r < host.size(); ++r)
    threads.emplace_back([&, r] {
      const auto abort = host[r]->aborter();
      const auto group = make_device_group(std::move(host[r]), *devices[r]);
      ends[r] = train(*group, *devices[r], with, all[r]);
      if (!ends[r].ok()) abort->abort(ends[r]);
    });
  threads.clear();
  for (const status& end : ends) test::require_ok(end);
  return all[0];
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cuda_ranks)

BOOST_AUTO_TEST_CASE(workers_on_one_device_equal_one_worker) {
  recipe with = test::tiny_recipe();
  const auto one = train_ranks(1, with);
  for (const int workers : {2, 3}) {
    with.train.bucket_kib = workers == 3 ? 4 : 0;  // sums beside backward
    const auto many = train_ranks(workers, with);
    BOOST_REQUIRE(many.size() == one.size());
    for (std::size_t step = 0; step < one.size(); ++step) {
      BOOST_TEST(many[step].negatives == one[step].negatives);
      BOOST_TEST(many[step].loss == one[step].loss, boost::test_tools::tolerance(1e-5));
      BOOST_TEST(many[step].gradient_norm == one[step].gradient_norm, boost::test_tools::tolerance(1e-4));
    }
  }
}

// Also of the copies that products in bfloat16 read: of weights that another rank updated too.
BOOST_AUTO_TEST_CASE(workers_that_hold_shards_of_the_moments_train_the_same_numbers) {
  recipe in_shards = test::tiny_recipe();
  in_shards.train.shard_moments = true;
  for (const int workers : {1, 2, 3}) {
    const auto whole = train_ranks(workers, test::tiny_recipe(), compute::bfloat16),
               shards = train_ranks(workers, in_shards, compute::bfloat16);
    for (std::size_t step = 0; step < whole.size(); ++step) {
      BOOST_TEST(shards[step].loss == whole[step].loss, boost::test_tools::tolerance(1e-5));
      BOOST_TEST(shards[step].gradient_norm == whole[step].gradient_norm, boost::test_tools::tolerance(1e-4));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

// Steps of training on the CUDA device beside the same on the CPU's: every task, bank, dropout, parts of a batch.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "model/memory_bank.hpp"
#include "model/replica.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tested_device.hpp"
#include "tests/support/tiny_model.hpp"

namespace argosy {
namespace {

using test::require_ok;

using numbers = std::vector<double>;

// All that the outcome of a step says, of three steps one after the other.
numbers train(device& on, const recipe& with) {
  auto model = replica::make(on, with, test::tiny_inputs()).value();
  auto bank = memory_bank::make(on, 20, with.model.projection).value();
  numbers all;
  for (const std::uint64_t at : {0U, 1U, 2U}) {
    auto b = test::tiny_batch(at, 12 * at, 12);
    if (with.tasks.keywords > 0) test::add_further_queries(b);
    const step_plan plan{at, 8, phase::bank, 1e-3};
    const auto columns = model.forward(b, plan, model.count(b, plan));
    require_ok(columns.failure());
    require_ok(model.match(b, *columns, 0, bank.view()));
    require_ok(model.backward(b, model.column_gradient()));
    require_ok(model.update(plan));
    const auto done = model.outcome().value();
    require_ok(bank.push({columns->embedding, columns->product, columns->log_p, at}));
    all.insert(all.end(), done.sums.loss.of.begin(), done.sums.loss.of.end());
    for (const double x : {done.sums.negatives_product, done.sums.negatives_bank, done.sums.share_product, done.sums.share_bank,
                           done.sums.gate_image, done.update.gradient_norm, done.update.scale})
      all.push_back(x);
  }
  return all;
}

void check_close(const recipe& with, double tolerance, compute how = compute::float32) {
  const auto cuda = test::make_tested_device(1, how), cpu = make_cpu_device(1);
  const numbers got = train(*cuda, with), want = train(*cpu, with);
  BOOST_REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    BOOST_TEST(std::abs(got[i] - want[i]) <= tolerance * std::max(1., std::abs(want[i])),
               "number " << i << ": " << got[i] << ", on the CPU " << want[i]);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cuda_training)

BOOST_AUTO_TEST_CASE(matching_alone) { check_close(test::tiny_recipe(), 1e-5); }

BOOST_AUTO_TEST_CASE(every_task) {
  auto with = test::with_every_task(test::tiny_recipe());
  with.model.dropout = .1;
  check_close(with, 1e-5);
  with.tasks.symmetric_patches = true;
  with.tasks.same_patch = .1;
  check_close(with, 1e-5);
}

BOOST_AUTO_TEST_CASE(parts_with_a_clean_pass) {
  auto with = test::with_every_task(test::tiny_recipe());
  with.tasks.clean_matching = true;
  with.train.micro_batch = 5;
  check_close(with, 1e-5);
}

// Rows between operators in bfloat16: losses stay within its rounding of float32's.
BOOST_AUTO_TEST_CASE(rows_of_bfloat16) {
  check_close(test::tiny_recipe(), .03, compute::bfloat16);
  auto with = test::with_every_task(test::tiny_recipe());
  with.model.dropout = .1;
  check_close(with, .03, compute::bfloat16);
}

// The encoders' products by 8-bit factors besides.
BOOST_AUTO_TEST_CASE(products_of_8_bits) {
  auto with = test::with_every_task(test::tiny_recipe());
  check_close(with, .1, compute::fp8);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

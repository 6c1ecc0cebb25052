// The host touches no memory of a device: steps, bank and checkpoints on a device whose memory traps, beside the same on the CPU's.
#include <unistd.h>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <vector>

#include "kernels/transfer.hpp"
#include "model/checkpoint.hpp"
#include "model/embedding.hpp"
#include "model/initial_weights.hpp"
#include "model/replica.hpp"
#include "tests/support/guarded_device.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tiny_model.hpp"

namespace argosy {
namespace {

using test::require_ok;

struct trainee {
  replica model;
  memory_bank bank;

  static trainee make(device& on, const recipe& with) {
    auto model = replica::make(on, with, test::tiny_inputs()).value();
    auto bank = memory_bank::make(on, 20, with.model.projection).value();
    return {std::move(model), std::move(bank)};
  }
};

using numbers = std::vector<double>;

// One step with its push; everything that its outcome says.
numbers step(trainee& t, const recipe& with, std::uint64_t at) {
  auto b = test::tiny_batch(at, 12 * at, 12);
  if (with.tasks.keywords > 0) test::add_further_queries(b);
  const step_plan plan{at, 8, phase::bank, 1e-2};
  auto& r = t.model;
  const auto columns = r.forward(b, plan, r.count(b, plan));
  require_ok(columns.failure());
  require_ok(r.match(b, *columns, 0, t.bank.view()));
  require_ok(r.backward(b, r.column_gradient()));
  require_ok(r.update(plan));
  const auto done = r.outcome().value();
  require_ok(t.bank.push({columns->embedding, columns->product, columns->log_p, at}));
  numbers all(done.sums.loss.of.begin(), done.sums.loss.of.end());
  for (const double x : {done.sums.negatives_product, done.sums.negatives_bank, done.sums.share_product, done.sums.share_bank,
                         done.sums.gate_image, done.update.gradient_norm, done.update.scale})
    all.push_back(x);
  return all;
}

// Two steps, a checkpoint, a step after it; and that step again by a model that took up the checkpoint. All numbers of all of it.
numbers train(device& on, const recipe& with) {
  numbers all;
  const auto append = [&](const auto& more) { all.insert(all.end(), more.begin(), more.end()); };
  auto first = trainee::make(on, with);
  for (const std::uint64_t at : {0U, 1U}) append(step(first, with, at));
  const auto state = capture(first.model.model(), {}).value();
  const auto bank = first.bank.save().value();
  for (const auto& e : state.entries) append(e.value), append(e.first), append(e.second);
  append(bank.embedding);
  append(bank.log_p);

  auto second = trainee::make(on, with);
  step(second, with, 5);
  require_ok(restore(state, second.model.model()));
  require_ok(second.bank.load(bank));
  const auto went_on = step(first, with, 2), taken_up = step(second, with, 2);
  BOOST_TEST(taken_up == went_on, boost::test_tools::per_element());
  append(went_on);
  return all;
}

void check_same_numbers(const recipe& with) {
  const auto guarded = test::make_guarded_device(1), cpu = make_cpu_device(1);
  const auto got = train(*guarded, with), want = train(*cpu, with);
  BOOST_TEST((got == want));
  BOOST_TEST(got.size() > 1000U);
}

// The system's own answer to reading from there, where a program's own read would be its end.
bool host_can_read(const void* at) {
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  const bool can = ::write(ends[1], at, 1) == 1;
  BOOST_TEST((can || errno == EFAULT));
  for (const int end : ends) ::close(end);
  return can;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(residency)

BOOST_AUTO_TEST_CASE(guarded_memory_is_closed_to_the_host) {
  const auto on = test::make_guarded_device(1);
  auto made = tensor::make(*on, 2, 3).value();
  const numbers six{1, 2, 3, 4, 5, 6};
  require_ok(upload(*on, six, made));
  BOOST_TEST(!host_can_read(made.all().data));
  BOOST_TEST(host_can_read(six.data()));
  BOOST_TEST(numbers_of(*on, made).value() == six, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(steps_of_matching_alone) { check_same_numbers(test::tiny_recipe()); }

BOOST_AUTO_TEST_CASE(steps_of_every_task) {
  auto with = test::with_every_task(test::tiny_recipe());
  with.model.dropout = .1;
  check_same_numbers(with);
  with.tasks.symmetric_patches = true;
  with.tasks.same_patch = .1;
  check_same_numbers(with);
}

BOOST_AUTO_TEST_CASE(steps_in_parts_with_a_clean_pass) {
  auto with = test::with_every_task(test::tiny_recipe());
  with.tasks.clean_matching = true;
  with.train.micro_batch = 5;
  check_same_numbers(with);
}

BOOST_AUTO_TEST_CASE(embeddings_and_initial_weights) {
  const std::vector<std::vector<std::int32_t>> queries{{0, 5, 7}, {0, 3}};
  const auto embeddings = [&](device& on) {
    auto model = retrieval_model::make(on, test::tiny_recipe(), test::tiny_inputs()).value();
    initial_weights w;
    w.tensors.push_back({"embedding_ln.bias", 1, 16, std::vector<float>(16, .5F)});
    require_ok(start_from(w, model));
    return embed_queries(model, queries, {}).value();
  };
  const auto guarded = test::make_guarded_device(1), cpu = make_cpu_device(1);
  BOOST_TEST(embeddings(*guarded) == embeddings(*cpu), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy

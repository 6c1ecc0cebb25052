// The whole model and a whole step on the reference device: every gradient against central differences (oracle 11).
#include "model/replica.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "tests/support/tiny_model.hpp"

namespace {

using namespace argosy;

// One forward and backward; the loss of all tasks.
double loss_of(replica& r, const recipe& with, const batch& b, const step_plan& plan, const bank_view& bank) {
  const task_sums counts = r.count(b, plan);
  const auto columns = r.forward(b, plan, counts);
  BOOST_REQUIRE_MESSAGE(columns.ok(), columns.failure().text());
  const auto matched = r.match(b, *columns, 0, bank);
  BOOST_REQUIRE_MESSAGE(matched.ok(), matched.text());
  const auto passed = r.backward(b, r.column_gradient());
  BOOST_REQUIRE_MESSAGE(passed.ok(), passed.text());
  const auto sums = r.outcome().value().sums;
  double loss = 0;
  for (std::size_t t = 0; t < task_count; ++t)
    if (counts.of[t] > 0) loss += weight_of(static_cast<task>(t), with) * sums.loss.of[t] / counts.of[t];
  return loss;
}

memory_bank filled_bank(device& on, std::int64_t columns) {
  auto bank = memory_bank::make(on, 6, columns).value();
  std::vector<double> rows(static_cast<std::size_t>(6 * columns)), log_p{-1, -2, -3, -1, -2, -3};
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = std::sin(static_cast<double>(3 * i + 1));
  const std::vector<std::int64_t> ids{3, 50, 51, 52, 7, 53};
  BOOST_REQUIRE(bank.push({view_of(rows.data(), 6, columns), ids, view_of(log_p.data(), 1, 6), 0}).ok());
  return bank;
}

double dot(const_view a, const_view b) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.rows * a.cols; ++i) sum += a.as<double>()[i] * b.as<double>()[i];
  return sum;
}

// Central differences of the loss along each parameter's own gradient: (L(w + h g/|g|) - L(w - h g/|g|)) / 2h = |g|.
void gradients_agree(const recipe& with) {
  const auto on = make_reference_device();
  auto r = replica::make(*on, with, test::tiny_inputs()).value();
  // A product without anything the recipe uses has no direction, and so no derivative to compare.
  const bool complete = !with.model.use_title || !with.model.use_image;
  auto b = test::tiny_batch(0, 0, 10, complete);
  if (with.tasks.keywords > 0) test::add_further_queries(b);
  const auto bank = filled_bank(*on, with.model.projection);
  const step_plan plan{3, 8, phase::bank, 1e-3};
  loss_of(r, with, b, plan, bank.view());

  const auto& all = r.model().weights();
  std::vector<std::vector<double>> gradients;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto g = all[i].gradient;
    gradients.emplace_back(g.as<double>(), g.as<double>() + g.rows * g.cols);
  }
  double whole = 0;
  for (const auto& g : gradients)
    whole += dot(view_of(g.data(), 1, static_cast<std::int64_t>(g.size())), view_of(g.data(), 1, static_cast<std::int64_t>(g.size())));
  whole = std::sqrt(whole);
  BOOST_TEST(whole > 0);

  // The targets of masked patches move with the linear map but pass no gradient (tests/model/tasks.cpp).
  const bool moving_targets = with.tasks.patches > 1e-6 || with.tasks.patch_regression > 1e-6;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (moving_targets && all[i].spec.name.starts_with("image.patch.")) continue;
    const auto value = all[i].value;
    const auto& g = gradients[i];
    double norm = 0;
    for (const double x : g) norm += x * x;
    norm = std::sqrt(norm);
    // Without a gradient (a key's bias, a row nobody reads) any direction must show none.
    constexpr double h = 1e-5;
    const auto moved_loss = [&](double by) {
      const std::vector<double> kept(value.as<double>(), value.as<double>() + value.rows * value.cols);
      for (std::size_t e = 0; e < g.size(); ++e)
        value.as<double>()[e] += by * (norm > 1e-12 ? g[e] / norm : 1 / std::sqrt(static_cast<double>(g.size())));
      const double loss = loss_of(r, with, b, plan, bank.view());
      std::copy(kept.begin(), kept.end(), value.as<double>());
      return loss;
    };
    const double slope = (moved_loss(h) - moved_loss(-h)) / (2 * h);
    // Truncation is of order h^2 and rounding of order 1e-16 / h, both against the whole gradient.
    BOOST_TEST(std::abs(slope - norm) <= 1e-6 * whole, all[i].spec.name << ": slope " << slope << ", gradient " << norm);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(whole_step)

BOOST_AUTO_TEST_CASE(gradients_of_every_parameter) { gradients_agree(test::tiny_recipe()); }

BOOST_AUTO_TEST_CASE(gradients_of_every_task) { gradients_agree(test::with_every_task(test::tiny_recipe())); }

BOOST_AUTO_TEST_CASE(gradients_of_each_task_alone) {
  for (double tasks_recipe::*alone : {&tasks_recipe::words, &tasks_recipe::patches, &tasks_recipe::patch_regression,
                                      &tasks_recipe::classification, &tasks_recipe::keywords}) {
    auto r = test::tiny_recipe();
    r.tasks.matching = 0;
    r.tasks.*alone = 1;
    r.tasks.word_rate = r.tasks.patch_rate = .3;
    gradients_agree(r);
  }
}

// Masks as they come with the task, and of its loss too little to see.
BOOST_AUTO_TEST_CASE(gradients_past_masked_patches) {
  auto r = test::tiny_recipe();
  r.tasks.patches = 1e-12;
  r.tasks.patch_rate = .4;
  gradients_agree(r);
}

BOOST_AUTO_TEST_CASE(gradients_with_a_clean_pass_for_matching) {
  auto r = test::with_every_task(test::tiny_recipe());
  r.tasks.clean_matching = true;
  gradients_agree(r);
}

BOOST_AUTO_TEST_CASE(gradients_of_symmetric_patches_and_of_patches_that_are_alike) {
  auto r = test::with_every_task(test::tiny_recipe());
  r.tasks.symmetric_patches = true;
  r.tasks.same_patch = .1;
  gradients_agree(r);
}

BOOST_AUTO_TEST_CASE(gradients_of_every_task_without_titles_and_without_images) {
  auto r = test::with_every_task(test::tiny_recipe());
  r.model.use_title = false;
  gradients_agree(r);
  r.model.use_title = true;
  r.model.use_image = false;
  gradients_agree(r);
}

// Gradient caching: parts of a batch, each passed twice, give the gradients of the whole, dropout and masks included. Eq. 1's softmax runs
// over the patches of a part, so it is left out.
BOOST_AUTO_TEST_CASE(parts_of_a_batch_give_the_gradients_of_the_whole) {
  for (const bool clean : {false, true}) {
    auto with = test::with_every_task(test::tiny_recipe());
    with.tasks.patches = 0;
    with.tasks.clean_matching = clean;
    with.model.dropout = .2;
    const auto on = make_reference_device();
    auto b = test::tiny_batch(0, 20, 10);
    test::add_further_queries(b);
    const auto bank = filled_bank(*on, with.model.projection);
    const step_plan plan{3, 8, phase::bank, 1e-3};
    const auto gradients = [&](std::uint64_t micro_batch) {
      with.train.micro_batch = micro_batch;
      auto r = replica::make(*on, with, test::tiny_inputs()).value();
      std::vector<double> all{loss_of(r, with, b, plan, bank.view())};
      for (const int i : {0, 1}) {
        const const_view g = r.model().weights().arena_of(i).gradient;
        all.insert(all.end(), g.as<double>(), g.as<double>() + g.cols);
      }
      return all;
    };
    const auto whole = gradients(0);
    double size = 0;
    for (const double g : whole) size += g * g;
    for (const std::uint64_t micro_batch : {1, 3, 5, 9, 10}) {
      const auto parts = gradients(micro_batch);
      double apart = 0;
      for (std::size_t i = 0; i < whole.size(); ++i) apart += (parts[i] - whole[i]) * (parts[i] - whole[i]);
      BOOST_TEST(std::sqrt(apart / size) <= 1e-12, "parts of " << micro_batch);
    }
  }
}

// Oracle 6.
BOOST_AUTO_TEST_CASE(nothing_masked_is_a_loss_of_zero) {
  auto with = test::with_every_task(test::tiny_recipe());
  with.tasks.word_rate = with.tasks.patch_rate = 0;
  const auto on = make_reference_device();
  auto r = replica::make(*on, with, test::tiny_inputs()).value();
  const auto b = test::tiny_batch(0, 0, 6);
  const step_plan plan{0, 8, phase::in_batch, 1e-3};
  const auto counts = r.count(b, plan);
  const auto columns = r.forward(b, plan, counts);
  BOOST_REQUIRE(columns.ok());
  BOOST_REQUIRE(r.match(b, *columns, 0, {}).ok());
  BOOST_REQUIRE(r.backward(b, r.column_gradient()).ok());
  BOOST_REQUIRE(r.update(plan).ok());
  const auto done = r.outcome().value();
  for (const task t : {task::query_words, task::title_words, task::patches, task::patch_regression, task::keywords}) {
    BOOST_TEST(counts[t] == 0, name_of(t));
    BOOST_TEST(done.sums.loss[t] == 0, name_of(t));
  }
  BOOST_TEST(done.sums.loss[task::matching] > 0);
  BOOST_TEST(done.update.gradient_norm > 0);
  BOOST_TEST(std::isfinite(done.update.gradient_norm));
}

BOOST_AUTO_TEST_CASE(a_task_that_is_off_has_no_parameters) {
  const auto on = make_reference_device();
  const auto count = [&](const recipe& r) { return replica::make(*on, r, test::tiny_inputs()).value().model().weights().size(); };
  const auto r = test::tiny_recipe();
  BOOST_TEST(count(r) < count(test::with_every_task(r)));
  auto without_words = test::tiny_inputs();
  without_words.mask_piece = -1;
  BOOST_TEST(replica::make(*on, r, without_words).ok());
  const auto refused = replica::make(*on, test::with_every_task(r), without_words);
  BOOST_TEST((refused.failure().message().find("[MASK]") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(gradients_with_dropout) {
  auto r = test::tiny_recipe();
  r.model.dropout = .3;
  gradients_agree(r);
}

BOOST_AUTO_TEST_CASE(gradients_of_titles_alone_and_of_images_alone) {
  auto r = test::tiny_recipe();
  r.model.use_image = false;
  r.model.shared_tokens = true;
  gradients_agree(r);
  r.model.use_image = true;
  r.model.use_title = false;
  gradients_agree(r);
}

BOOST_AUTO_TEST_CASE(gradients_of_raw_inner_products) {
  auto r = test::tiny_recipe();
  r.model.cosine = false;
  r.negatives.scale = 1;
  gradients_agree(r);
}

BOOST_AUTO_TEST_CASE(a_scale_at_its_limit_is_not_trained) {
  const auto on = make_reference_device();
  auto with = test::tiny_recipe();
  with.negatives.scale = 8;
  with.negatives.scale_limit = 5;
  auto r = replica::make(*on, with, test::tiny_inputs()).value();
  const step_plan plan{0, 8, phase::in_batch, 1e-3};
  loss_of(r, with, test::tiny_batch(0, 0, 6), plan, {});
  BOOST_REQUIRE(r.update(plan).ok());
  BOOST_TEST(r.outcome().value().update.scale == 5.0);
  BOOST_TEST(*r.model().weights().at("log_scale").gradient.as<double>() == 0.0);
}

BOOST_AUTO_TEST_CASE(a_product_without_anything_the_recipe_uses_gets_no_gradient) {
  const auto on = make_reference_device();
  auto with = test::tiny_recipe();
  with.model.use_image = false;
  auto r = replica::make(*on, with, test::tiny_inputs()).value();
  loss_of(r, with, test::tiny_batch(0, 0, 10), {0, 8, phase::in_batch, 1e-3}, {});
  const auto g = r.model().weights().at("project.product.bias").gradient;
  BOOST_TEST(std::sqrt(dot(g, g)) < 1e3);
}

BOOST_AUTO_TEST_CASE(a_step_lowers_the_loss_of_its_batch) {
  const auto on = make_reference_device();
  const auto with = test::tiny_recipe();
  auto r = replica::make(*on, with, test::tiny_inputs()).value();
  const auto b = test::tiny_batch(0, 0, 12);
  double first = 0, last = 0;
  for (std::uint64_t step = 0; step < 30; ++step) {
    const step_plan plan{step, 30, phase::in_batch, 3e-3};
    last = loss_of(r, with, b, plan, {});
    if (step == 0) first = last;
    BOOST_REQUIRE(r.update(plan).ok());
  }
  BOOST_TEST(last < .5 * first);
}

BOOST_AUTO_TEST_CASE(rows_of_one_product_do_not_depend_on_its_neighbours) {
  const auto on = make_reference_device();
  auto r = replica::make(*on, test::tiny_recipe(), test::tiny_inputs()).value();
  const auto together = r.model().embed_products(test::tiny_batch(0, 0, 9).product, {}).value();
  const std::vector<double> all(together.as<double>(), together.as<double>() + together.rows * together.cols);
  for (std::uint64_t i = 0; i < 9; ++i) {
    const auto alone = r.model().embed_products(test::tiny_batch(0, i, 1).product, {}).value();
    for (std::int64_t c = 0; c < alone.cols; ++c)
      BOOST_TEST(std::abs(alone.as<double>()[c] - all[i * static_cast<std::size_t>(alone.cols) + static_cast<std::size_t>(c)]) < 1e-12);
  }
}

BOOST_AUTO_TEST_SUITE_END()

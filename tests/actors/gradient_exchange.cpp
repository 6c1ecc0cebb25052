// Sums begun during backward: what is complete when, that every rank sums the same buckets, and that a sum of buckets is the sum of the whole.
#include "actors/gradient_exchange.hpp"

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "kernels/transfer.hpp"
#include "model/replica.hpp"
#include "net/forwarding_group.hpp"
#include "tests/actors/timed_group.hpp"
#include "tests/actors/tiny.hpp"
#include "tests/support/far_device.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

recipe with_tasks(int workers) {
  recipe r = test::tiny_recipe(workers);
  r.tasks.words = .7;
  r.tasks.patch_regression = .3;
  r.tasks.classification = .6;
  return r;
}

// The gradients of one rank's batch, and what backward told on the way.
struct backward_pass {
  std::unique_ptr<device> on;
  recipe with;
  replica model;
  batch rows;

  backward_pass(const recipe& r, int rank, bool images = true, std::unique_ptr<device> where = make_cpu_device(1))
      : on(std::move(where)),
        with(r),
        model(replica::make(*on, r, test::tiny_inputs()).value()),
        rows(test::tiny_batch(0, {test::tiny_batch_size, rank, 2})) {
    if (!images) std::ranges::fill(rows.product.image.present, std::uint8_t{0});
  }
  parameters& weights() { return model.model().weights(); }
  status run(const gradients_complete& complete) {
    const step_plan plan{.step = 0, .of = 8, .phase = phase::in_batch, .rate = 1e-2};
    ARGOSY_ASSIGN(const product_columns columns, model.forward(rows, plan, model.count(rows, plan)));
    ARGOSY_TRY(model.match(rows, columns, 0, {}));
    return model.backward(rows, const_view(model.column_gradient()), complete);
  }
  std::vector<double> gradients() {
    std::vector<double> all;
    for (const int i : {0, 1}) {
      const auto some = numbers_of(*on, weights().arena_of(i).gradient).value();
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }
};

// Where marks are waited for until it is opened.
class gate {
public:
  status wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return opened_; });
    return {};
  }
  bool somebody_came() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [this] { return waiting_ > 0; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    opened_ = true;
    changed_.notify_all();
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool opened_ = false;
};

// Counts its sums, and those of the group beside it.
class counted_group final : public forwarding_group {
public:
  counted_group(collective& of, std::atomic<std::size_t>& sums, std::atomic<std::size_t>& beside)
      : forwarding_group(of), of_(&of), sums_(&sums), beside_(&beside) {}
  status all_reduce(view x) override {
    ++*sums_;
    return of_->all_reduce(x);
  }
  std::unique_ptr<collective> beside(device&) override { return std::make_unique<counted_group>(*of_, *beside_, *beside_); }

private:
  collective* of_;
  std::atomic<std::size_t>*sums_, *beside_;
};

BOOST_AUTO_TEST_SUITE(gradient_exchanges)

// Of a tower whose batch has no rows, its name alone.
BOOST_AUTO_TEST_CASE(backward_tells_what_the_order_says) {
  recipe in_parts = with_tasks(2);
  in_parts.train.micro_batch = 2;
  recipe alone = with_tasks(2);
  alone.tasks.clean_matching = !alone.tasks.clean_matching;
  for (const recipe& r : {test::tiny_recipe(2), with_tasks(2), in_parts, alone}) {
    backward_pass pass(r, 0);
    std::vector<std::string> told;
    BOOST_REQUIRE(pass.run([&](std::string_view name) { told.emplace_back(name); }).ok());
    const auto order = retrieval_model::gradient_order(r);
    auto at = order.begin();
    for (const std::string& name : told) {
      at = std::find(at, order.end(), name);
      BOOST_REQUIRE_MESSAGE(at != order.end(), name << " is told too late, or not of the order");
    }
    for (const char* name : {"project.query.", "query.", "project.product.", "adapt.", "title.", "image."})
      BOOST_TEST(std::ranges::count(told, name) == 1, name);
    BOOST_TEST(told.back() == order.back());
    if (r.train.micro_batch == 0) BOOST_TEST(told.size() == order.size());
  }
}

// Of a name that was told, no gradient changes any more.
BOOST_AUTO_TEST_CASE(what_is_told_complete_is) {
  backward_pass pass(with_tasks(2), 0);
  std::vector<std::pair<std::string, std::vector<double>>> then;
  const auto of = [&](std::string_view name) {
    std::vector<double> all;
    for (std::size_t i = 0; i < pass.weights().size(); ++i) {
      if (!pass.weights()[i].spec.name.starts_with(name)) continue;
      const auto some = numbers_of(*pass.on, pass.weights()[i].gradient).value();
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  };
  BOOST_REQUIRE(pass.run([&](std::string_view name) { then.emplace_back(name, of(name)); }).ok());
  for (const auto& [name, gradients] : then) {
    BOOST_TEST(!gradients.empty(), name);
    BOOST_TEST((of(name) == gradients), name);
  }
}

// One rank without any image, one with: their towers tell other layers, and the same buckets are summed.
BOOST_AUTO_TEST_CASE(sums_of_buckets_are_the_sum_of_the_whole) {
  for (const int bucket_bytes : {0, 64, 4096, 1 << 20}) {
    std::vector<std::vector<double>> alone(2), together(2);
    std::vector<status> ends(2);
    std::vector<std::size_t> buckets(2);
    const auto group = make_in_process_group(2);
    {
      std::vector<std::jthread> threads;
      for (int rank : {0, 1})
        threads.emplace_back([&, rank, at = static_cast<std::size_t>(rank)] {
          const system_clock_source clock;
          backward_pass first(with_tasks(2), rank, rank == 0), again(with_tasks(2), rank, rank == 0);
          ends[at] = first.run({});
          alone[at] = first.gradients();
          gradient_exchange exchange(*again.on, again.weights(), retrieval_model::gradient_order(again.with), *group[at], clock,
                                     bucket_bytes);
          buckets[at] = exchange.buckets();
          for (int step = 0; step < 3 && ends[at].ok(); ++step) {
            ends[at] = exchange.begin();
            if (ends[at].ok()) ends[at] = again.run([&](std::string_view name) { exchange.complete(name); });
            if (ends[at].ok()) ends[at] = exchange.finish();
          }
          together[at] = again.gradients();
        });
    }
    for (const status& end : ends) BOOST_TEST_REQUIRE(end.ok(), end.text());
    std::vector<double> want(alone[0].size());
    for (std::size_t i = 0; i < want.size(); ++i)
      want[i] = static_cast<double>(static_cast<float>(alone[0][i]) + static_cast<float>(alone[1][i]));
    BOOST_TEST((together[0] == want), bucket_bytes << " bytes a bucket");
    BOOST_TEST((together[1] == want), bucket_bytes << " bytes a bucket");
    BOOST_TEST(buckets[0] == buckets[1]);
    BOOST_TEST((buckets[0] > 1) == (bucket_bytes == 64 || bucket_bytes == 4096), buckets[0] << " buckets");
  }
}

// What others keep it waiting is told from what the sums take, however many buckets there are.
BOOST_AUTO_TEST_CASE(waiting_is_not_summing) {
  for (const int bucket_bytes : {0, 64, 1 << 20}) {
    manual_clock clock;
    const auto alone = make_in_process_group(1);
    test::timed_group group(*alone.front(), clock);
    backward_pass pass(test::tiny_recipe(1), 0);
    gradient_exchange exchange(*pass.on, pass.weights(), retrieval_model::gradient_order(pass.with), group, clock, bucket_bytes);
    BOOST_REQUIRE(exchange.begin().ok());
    BOOST_REQUIRE(exchange.finish().ok());
    BOOST_TEST(exchange.waited_s() == static_cast<double>(std::max<std::size_t>(exchange.buckets(), 1)) * test::timed_group::meeting_s,
               bucket_bytes);
    BOOST_TEST(exchange.overlapped_s() == 0);
  }
}

// All buckets but the last are summed before finish(), with their meetings: no wait of the step's.
BOOST_AUTO_TEST_CASE(sums_before_the_end_of_backward_are_beside_it) {
  manual_clock clock;
  const auto alone = make_in_process_group(1);
  test::timed_group group(*alone.front(), clock);
  backward_pass pass(test::tiny_recipe(1), 0);
  const auto order = retrieval_model::gradient_order(pass.with);
  gradient_exchange exchange(*pass.on, pass.weights(), order, group, clock, 64);
  const auto before = static_cast<int>(exchange.buckets()) - 1;
  BOOST_TEST_REQUIRE(before > 1);
  for (int step = 1; step <= 2; ++step) {
    BOOST_REQUIRE(exchange.begin().ok());
    exchange.complete(order.back());
    while (group.sums() < step * (before + 2) - 2) std::this_thread::yield();  // two more a step: the last bucket, and what has no bucket
    BOOST_REQUIRE(exchange.finish().ok());
    BOOST_TEST(exchange.waited_s() == test::timed_group::meeting_s);
    BOOST_TEST(exchange.overlapped_s() == before * test::timed_group::reducing_s);
  }
}

// What backward told is queued there, and not done.
BOOST_AUTO_TEST_CASE(a_bucket_is_summed_beside_the_device_once_that_has_come_to_its_mark) {
  gate mark;
  std::atomic<std::size_t> sums = 0, sums_beside = 0;
  const system_clock_source clock;
  const auto alone = make_in_process_group(1);
  counted_group group(*alone.front(), sums, sums_beside);
  backward_pass pass(test::tiny_recipe(1), 0, true, test::make_far_device([&] { return mark.wait(); }));
  const auto order = retrieval_model::gradient_order(pass.with);
  gradient_exchange exchange(*pass.on, pass.weights(), order, group, clock, 64);
  BOOST_TEST_REQUIRE(exchange.buckets() > 2U);
  BOOST_REQUIRE(exchange.begin().ok());
  exchange.complete(order.back());
  BOOST_TEST_REQUIRE(mark.somebody_came());
  BOOST_TEST(sums_beside == 0U);
  mark.open();
  BOOST_REQUIRE(exchange.finish().ok());
  BOOST_TEST(sums_beside == exchange.buckets());
  BOOST_TEST(sums == 1U);  // of what has no bucket
}

BOOST_AUTO_TEST_CASE(a_device_that_does_not_come_to_its_mark_says_why) {
  const system_clock_source clock;
  std::atomic<std::size_t> sums = 0;
  const auto alone = make_in_process_group(1);
  counted_group group(*alone.front(), sums, sums);
  backward_pass pass(test::tiny_recipe(1), 0, true, test::make_far_device([] { return status(errc::unavailable, "the device is gone"); }));
  gradient_exchange exchange(*pass.on, pass.weights(), retrieval_model::gradient_order(pass.with), group, clock, 64);
  BOOST_REQUIRE(exchange.begin().ok());
  test::check_refused(exchange.finish(), errc::unavailable, {"the device is gone"});
  BOOST_TEST(sums == 0U);
}

// Of the device or of the group.
BOOST_AUTO_TEST_CASE(where_there_is_none_beside_all_is_summed_at_the_end) {
  manual_clock clock;
  const auto alone = make_in_process_group(1);
  test::timed_group group(*alone.front(), clock);
  backward_pass pass(test::tiny_recipe(1), 0, true, test::make_far_device());
  gradient_exchange exchange(*pass.on, pass.weights(), retrieval_model::gradient_order(pass.with), group, clock, 64);
  BOOST_TEST(exchange.buckets() == 0U);
  BOOST_REQUIRE(exchange.begin().ok());
  BOOST_REQUIRE(exchange.finish().ok());
  BOOST_TEST(group.sums() == 2);
}

// It has given some of its buckets away; the other waits for the rest of them.
BOOST_AUTO_TEST_CASE(a_backward_that_fails_keeps_nobody_waiting) {
  const auto group = make_in_process_group(2);
  const system_clock_source clock;
  backward_pass fails(test::tiny_recipe(2), 0), goes_on(test::tiny_recipe(2), 1);
  const auto order = retrieval_model::gradient_order(fails.with);
  status end;
  {
    gradient_exchange of_failing(*fails.on, fails.weights(), order, *group[0], clock, 64);
    std::jthread other([&] {
      gradient_exchange exchange(*goes_on.on, goes_on.weights(), order, *group[1], clock, 64);
      end = exchange.begin();
      if (end.ok()) end = goes_on.run([&](std::string_view name) { exchange.complete(name); });
      if (end.ok()) end = exchange.finish();
    });
    BOOST_REQUIRE(of_failing.begin().ok());
    of_failing.complete(order[1]);
    of_failing.abandon({errc::out_of_range, "its batch was bad"});
  }
  BOOST_TEST((end.code() == errc::aborted), end.text());
  BOOST_TEST(end.message().find("its batch was bad") != std::string::npos, end.text());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy

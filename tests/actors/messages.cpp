// Every message crosses a mailbox once, because an unregistered type fails only at run time; every wire message crosses bytes once.
#include "actors/messages.hpp"

#include <boost/test/unit_test.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/message.hpp>
#include <cmath>
#include <limits>

#include "tests/support/actor_fixture.hpp"

namespace argosy {
namespace {

template <class T>
T through_bytes(caf::actor_system& system, T sent) {
  std::vector<char> bytes;
  caf::binary_serializer to(system, bytes);
  caf::message message = caf::make_message(std::move(sent));
  const auto written = to(message);
  BOOST_REQUIRE_MESSAGE(!written, to_string(written));
  caf::message arrived;
  caf::binary_deserializer from(system, bytes);
  const auto read = from(arrived);
  BOOST_REQUIRE_MESSAGE(!read, to_string(read));
  BOOST_REQUIRE(arrived.match_elements<T>());
  return arrived.get_as<T>(0);
}

struct mailbox : test::deterministic_actors {
  template <class T>
  T through(const T& sent) {
    const auto echo = spawn([](caf::event_based_actor*) -> caf::behavior { return {[](const T& value) { return value; }}; });
    const auto back = ask<T>(echo, sent);
    BOOST_REQUIRE_MESSAGE(back.ok(), back.failure().text());
    return *back;
  }
};

BOOST_FIXTURE_TEST_SUITE(messages, mailbox)

BOOST_AUTO_TEST_CASE(step_plan_travels) {
  const step_plan sent{.step = 7, .of = 1ull << 40, .phase = phase::cross_device_and_bank, .rate = .1};
  for (const step_plan& got : {through(sent), through_bytes(self->system(), sent)}) {
    BOOST_TEST(got.step == 7u);
    BOOST_TEST(got.of == 1ull << 40);
    BOOST_TEST((got.phase == phase::cross_device_and_bank));
    BOOST_TEST(got.rate == .1);
  }
}

BOOST_AUTO_TEST_CASE(news_and_orders_of_a_job_travel) {
  node_news news;
  news.node = 5;
  news.number = 9;
  news.name = "host:1";
  news.checkpoint = job_mark{3, 4};
  news.group = group_number(2, 1);
  news.stage = group_stage::met;
  news.done.resize(2);
  news.done[1].report.step = 8;
  news.code = errc::io_error;
  news.exchanging = true;
  news.actors = {{.name = "loader", .waiting = 1, .handled = 2, .busy_s = 3, .longest_s = 4, .starts = 5, .cause = "another group"}};
  for (const node_news& got : {through(news), through_bytes(self->system(), news)}) {
    BOOST_TEST(got.node == 5u);
    BOOST_TEST(got.number == 9u);
    BOOST_TEST(got.name == "host:1");
    BOOST_TEST(!got.state.has_value());
    BOOST_TEST((got.checkpoint == job_mark{3, 4}));
    BOOST_TEST(got.group == group_number(2, 1));
    BOOST_TEST((got.stage == group_stage::met));
    BOOST_TEST_REQUIRE(got.done.size() == 2u);
    BOOST_TEST(got.done[1].report.step == 8u);
    BOOST_TEST((got.code == errc::io_error));
    BOOST_TEST(got.exchanging);
    BOOST_TEST_REQUIRE(got.actors.size() == 1u);
    const actor_figures& one = got.actors.front();
    BOOST_TEST(one.name == "loader");
    BOOST_TEST(one.waiting == 1u);
    BOOST_TEST(one.handled == 2u);
    BOOST_TEST(one.busy_s == 3);
    BOOST_TEST(one.longest_s == 4);
    BOOST_TEST(one.starts == 5u);
    BOOST_TEST(one.cause == "another group");
  }
  node_order order;
  order.number = 7;
  order.stage = order_stage::run;
  order.addresses = {"a", "b"};
  order.from = {3, 4};
  order.source = 1;
  order.fed = {fed_with_bank, not_fed};
  order.until = 12;
  order.save = 2;
  for (const node_order& got : {through(order), through_bytes(self->system(), order)}) {
    BOOST_TEST(got.number == 7u);
    BOOST_TEST((got.stage == order_stage::run));
    BOOST_TEST(got.addresses == order.addresses);
    BOOST_TEST((got.from == order.from));
    BOOST_TEST(got.source == 1);
    BOOST_TEST(got.fed == order.fed);
    BOOST_TEST(got.until == 12u);
    BOOST_TEST(got.save == 2u);
  }
}

BOOST_AUTO_TEST_CASE(step_done_travels_with_every_number) {
  step_done sent{.rank = 3, .report = {}, .idle_s = 5, .data_wait_s = 1, .step_s = 2};
  step_report& r = sent.report;
  r.step = 4;
  r.phase = phase::bank;
  r.pairs = 5;
  r.tokens = 6;
  r.task_loss[2] = std::numeric_limits<double>::quiet_NaN();
  r.candidates_product = 7;
  r.candidates_bank = 8;
  double next = 10;
  for (double* number :
       {&r.loss, &r.rate, &r.gradient_norm, &r.scale, &r.negatives_product, &r.negatives_bank, &r.hardness_product, &r.hardness_bank,
        &r.gate_image, &r.forward_s, &r.match_s, &r.backward_s, &r.update_s, &r.gather_s, &r.reduce_s, &r.wait_s, &r.overlap_s})
    *number = next++;
  for (const step_done& got : {through(sent), through_bytes(self->system(), sent)}) {
    BOOST_TEST(got.rank == 3);
    BOOST_TEST(got.idle_s == 5);
    BOOST_TEST(got.data_wait_s == 1);
    BOOST_TEST(got.step_s == 2);
    const step_report& g = got.report;
    BOOST_TEST(g.step == 4u);
    BOOST_TEST((g.phase == phase::bank));
    BOOST_TEST(g.pairs == 5u);
    BOOST_TEST(g.tokens == 6u);
    BOOST_TEST(std::isnan(g.task_loss[2]));
    BOOST_TEST(g.task_loss[1] == 0);
    BOOST_TEST(g.candidates_product == 7u);
    BOOST_TEST(g.candidates_bank == 8u);
    double want = 10;
    for (const double number :
         {g.loss, g.rate, g.gradient_norm, g.scale, g.negatives_product, g.negatives_bank, g.hardness_product, g.hardness_bank,
          g.gate_image, g.forward_s, g.match_s, g.backward_s, g.update_s, g.gather_s, g.reduce_s, g.wait_s, g.overlap_s})
      BOOST_TEST(number == want++);
  }
}

BOOST_AUTO_TEST_CASE(small_answers_travel) {
  BOOST_TEST(through(worker_ready{2}).rank == 2);
  BOOST_TEST(through_bytes(self->system(), worker_ready{2}).rank == 2);
  BOOST_TEST(through(push_receipt{9}).valid == 9);
  BOOST_TEST(through_bytes(self->system(), push_receipt{9}).valid == 9);
  BOOST_TEST(through(checkpoint_receipt{8}).steps_done == 8u);
  BOOST_TEST(through_bytes(self->system(), checkpoint_receipt{8}).steps_done == 8u);
}

BOOST_AUTO_TEST_CASE(training_end_travels) {
  const training_end sent{.steps_done = 1, .of = 2, .interrupted = true, .seconds = 3, .last_loss = 4, .pairs_per_s = 5};
  for (const training_end& got : {through(sent), through_bytes(self->system(), sent)}) {
    BOOST_TEST(got.steps_done == 1u);
    BOOST_TEST(got.of == 2u);
    BOOST_TEST(got.interrupted);
    BOOST_TEST(got.seconds == 3);
    BOOST_TEST(got.last_loss == 4);
    BOOST_TEST(got.pairs_per_s == 5);
  }
}

BOOST_AUTO_TEST_CASE(local_messages_share_and_do_not_copy) {
  const auto b = std::make_shared<const batch>();
  BOOST_TEST(through<batch_ptr>(b) == b);
  const auto state = std::make_shared<const checkpoint_state>();
  BOOST_TEST(through<checkpoint_ptr>(state) == state);
  const auto bank = std::make_shared<const memory_bank::snapshot>();
  BOOST_TEST(through<bank_snapshot_ptr>(bank) == bank);
  BOOST_TEST(through(checkpoint_part{1, nullptr, bank}).bank == bank);
  BOOST_TEST(through(bank_batch{{}, 5, b}).owner == b);
  BOOST_TEST(through(bank_lease{{}, b}).owner == b);
}

BOOST_AUTO_TEST_CASE(a_failure_keeps_its_code_and_its_words) {
  const auto refuse = spawn([](caf::event_based_actor*) -> caf::behavior {
    return {[](int) -> caf::result<int> { return error_of({errc::corrupt, "shard 3: block 9"}); }};
  });
  BOOST_TEST(ask<int>(refuse, 1).failure().text() == "corrupt: shard 3: block 9");
}

BOOST_AUTO_TEST_CASE(a_failure_of_caf_says_which) {
  const auto thrower =
      spawn([](caf::event_based_actor*) -> caf::behavior { return {[](int) -> int { throw std::runtime_error("boom"); }}; });
  BOOST_TEST((ask<int>(thrower, 1).failure().code() == errc::unavailable));
  BOOST_TEST(ask<int>(thrower, 1).failure().text() == "unavailable: request_receiver_down");
}

BOOST_AUTO_TEST_CASE(an_exception_becomes_a_status) {
  const auto failed = guarded([]() -> status { throw std::runtime_error("boom"); });
  BOOST_TEST(failed.text() == "internal error: boom");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy

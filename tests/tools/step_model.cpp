// The model of a step against numbers that can be worked out by hand.
#include "tools/step_model.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <numbers>

#include "kernels/device.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/tiny_model.hpp"
#include "tools/plan_hardware.hpp"

using namespace argosy;
using boost::test_tools::tolerance;

namespace {

// A second a message, or a second a byte, between machines ten times as long.
hardware links(double latency_s, double bytes_per_s, exchange_algorithm algorithm) {
  return {.product_flops = 1,
          .loss_flops = 1,
          .memory_bytes = 1,
          .algorithm = algorithm,
          .within = {latency_s, bytes_per_s},
          .between = {10 * latency_s, bytes_per_s / 10},
          .per_machine = 8};
}

constexpr double endless = 1e30;
hardware latency_alone(exchange_algorithm a) { return links(1, endless, a); }
hardware bytes_alone(exchange_algorithm a) { return links(0, 1, a); }

recipe small() {
  recipe r;
  r.model.hidden = 64;
  r.model.heads = 4;
  r.model.feed_forward = 128;
  r.model.query_layers = r.model.title_layers = r.model.image_layers = 1;
  r.model.projection = 32;
  r.negatives.bank = 100;
  return r;
}

step_forecast forecast_of(const recipe& r, std::uint64_t ranks, const hardware& h) {
  const auto made = forecast(r, {}, {.ranks = ranks, .pairs_per_rank = 10}, h);
  BOOST_REQUIRE_MESSAGE(made.ok(), made.failure().text());
  return *made;
}

std::string refusal_of(const hardware& h) { return forecast(small(), {}, {.ranks = 2, .pairs_per_rank = 10}, h).failure().message(); }

std::string refusal_of(const std::string& file_text) {
  const test::scratch_folder folder;
  const auto path = folder / "fit.json";
  std::ofstream(path) << file_text;
  return read_hardware(path).failure().text();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(step_models)

BOOST_AUTO_TEST_CASE(a_ring_passes_everything_round_once_and_sums_in_two_rounds) {
  BOOST_TEST(gather_s(latency_alone(exchange_algorithm::ring), 8, 1) == 7, tolerance(1e-9));
  BOOST_TEST(reduce_s(latency_alone(exchange_algorithm::ring), 8, 1) == 14, tolerance(1e-9));
  BOOST_TEST(gather_s(bytes_alone(exchange_algorithm::ring), 8, 80) == 70, tolerance(1e-9));
  BOOST_TEST(reduce_s(bytes_alone(exchange_algorithm::ring), 8, 80) == 140, tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(beyond_a_machine_the_link_between_machines_counts) {
  BOOST_TEST(gather_s(latency_alone(exchange_algorithm::ring), 9, 1) == 2 * 10 + 6, tolerance(1e-9));
  BOOST_TEST(gather_s(bytes_alone(exchange_algorithm::ring), 16, 160) == 1500, tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(parts_that_go_straight_take_a_round_each_besides_that_of_proposals) {
  BOOST_TEST(gather_s(latency_alone(exchange_algorithm::direct), 8, 1) == 2, tolerance(1e-9));
  BOOST_TEST(reduce_s(latency_alone(exchange_algorithm::direct), 8, 1 << 20) == 3, tolerance(1e-9));
  BOOST_TEST(reduce_s(latency_alone(exchange_algorithm::direct), 8, 16 * 1024) == 2, tolerance(1e-9));
  BOOST_TEST(meeting_s(latency_alone(exchange_algorithm::direct), 8) == 1, tolerance(1e-9));
  BOOST_TEST(gather_s(bytes_alone(exchange_algorithm::direct), 8, 80) == 70, tolerance(1e-9));
  BOOST_TEST(reduce_s(bytes_alone(exchange_algorithm::direct), 8, 80000) == 140000, tolerance(1e-9));
  BOOST_TEST(reduce_s(bytes_alone(exchange_algorithm::direct), 8, 80) == 560, tolerance(1e-9));  // all to all
}

BOOST_AUTO_TEST_CASE(one_rank_exchanges_nothing) {
  for (const auto a : {exchange_algorithm::ring, exchange_algorithm::direct}) {
    const auto f = forecast_of(small(), 1, links(1, 1, a));
    BOOST_TEST(f.crossing.gather_s + f.crossing.reduce_s + f.crossing.wait_s == 0);
    BOOST_TEST(f.efficiency == 1, tolerance(1e-12));
    BOOST_TEST(f.memory.gathered == 0);
  }
}

// David, Nagaraja: Order Statistics, section 3.2.
BOOST_AUTO_TEST_CASE(the_largest_of_normal_numbers) {
  const double of_two = 1 / std::sqrt(std::numbers::pi);
  BOOST_TEST(std::abs(expected_maximum(1)) < 1e-6);
  BOOST_TEST(expected_maximum(2) == of_two, tolerance(1e-5));
  BOOST_TEST(expected_maximum(3) == 1.5 * of_two, tolerance(1e-5));
  BOOST_TEST(expected_maximum(1024) > expected_maximum(128));
}

BOOST_AUTO_TEST_CASE(ranks_that_share_cores_take_as_many_times_longer) {
  hardware h = links(1e-3, 1e6, exchange_algorithm::direct);
  const auto free = forecast_of(small(), 4, h);
  h.cores = 2;
  const auto shared = forecast_of(small(), 4, h);
  BOOST_TEST(shared.crossing.compute_s == 2 * free.crossing.compute_s, tolerance(1e-12));
  BOOST_TEST(shared.crossing.total_s() == 2 * free.crossing.total_s(), tolerance(1e-12));
  const double alone = forecast_of(small(), 1, h).own.compute_s;
  BOOST_TEST(forecast_of(small(), 2, h).own.compute_s == alone, tolerance(1e-12));
  h.crowded = 1.3;
  BOOST_TEST(forecast_of(small(), 1, h).own.compute_s == alone, tolerance(1e-12));
  BOOST_TEST(forecast_of(small(), 2, h).own.compute_s == 1.3 * alone, tolerance(1e-12));
  BOOST_TEST(forecast_of(small(), 4, h).own.compute_s == 2.6 * alone, tolerance(1e-12));
  BOOST_TEST(forecast_of(small(), 4, h).own.reduce_s == shared.own.reduce_s, tolerance(1e-12));
  h.cores = 3;
  BOOST_TEST(forecast_of(small(), 2, h).own.compute_s == 1.15 * alone, tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(what_backward_hides_of_the_reduction_is_not_waited_for) {
  hardware h = links(1e-3, 1e6, exchange_algorithm::ring);
  const double whole = forecast_of(small(), 4, h).own.reduce_s;
  h.overlap = .75;
  BOOST_TEST(forecast_of(small(), 4, h).own.reduce_s == whole / 4, tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(negatives_are_those_of_the_batch_of_the_others_and_of_the_bank) {
  const auto f = forecast_of(small(), 40, links(0, endless, exchange_algorithm::ring));
  BOOST_TEST(f.negatives.in_batch == 9);
  BOOST_TEST(f.negatives.cross_device == 390);
  BOOST_TEST(f.negatives.bank == 100);
}

BOOST_AUTO_TEST_CASE(products_of_all_ranks_make_the_loss_dearer_and_the_encoders_not) {
  const auto few = work_of(small(), {}, {2, 10}, true), many = work_of(small(), {}, {4, 10}, true);
  BOOST_TEST(few.product_flops == many.product_flops);
  const double queries = 15, columns = 20, width = 32;  // half of the pairs bring a second query; twice forward, d_query, d_product
  BOOST_TEST(many.loss_flops - few.loss_flops == 4 * 2 * queries * columns * width, tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(parameters_and_their_memory_are_those_of_the_model) {
  const recipe r = test::tiny_recipe();
  data_shape shape;
  shape.inputs = test::tiny_inputs();
  const auto on = make_reference_device();
  const auto made = retrieval_model::make(*on, r, shape.inputs);
  BOOST_REQUIRE(made.ok());
  const retrieval_model& model = *made;
  double numbers = 0;
  for (std::size_t i = 0; i < model.weights().size(); ++i) {
    const view& value = model.weights()[i].value;
    numbers += static_cast<double>(value.rows * value.cols);
  }
  const auto f = forecast(r, shape, {2, 4}, links(0, endless, exchange_algorithm::ring));
  BOOST_REQUIRE(f.ok());
  BOOST_TEST(f->work.parameters == numbers);
  BOOST_TEST(f->memory.weights == 4 * numbers);
  BOOST_TEST(f->memory.gradients == 4 * numbers);
  BOOST_TEST(f->memory.moments == 8 * numbers);
}

BOOST_AUTO_TEST_CASE(moments_in_shards_take_two_of_as_many_as_ranks_and_the_weights_are_gathered) {
  recipe r = test::tiny_recipe();
  data_shape shape;
  shape.inputs = test::tiny_inputs();
  const auto h = links(1, endless, exchange_algorithm::ring);
  const auto whole = forecast(r, shape, {8, 4}, h);
  r.train.shard_moments = true;
  const auto shards = forecast(r, shape, {8, 4}, h);
  BOOST_REQUIRE((whole.ok() && shards.ok()));
  BOOST_TEST(shards->memory.moments == whole->memory.moments / 4);
  BOOST_TEST(shards->memory.weights == whole->memory.weights);
  BOOST_TEST(shards->own.gather_s == gather_s(h, 8, 4 * shards->work.parameters) + gather_s(h, 8, 0), tolerance(1e-9));
  BOOST_TEST(shards->memory.gathered - whole->memory.gathered == shards->work.parameters / 2, tolerance(1e-6));
  BOOST_TEST(shards->own.wait_s - whole->own.wait_s == meeting_s(h, 8), tolerance(1e-9));
  BOOST_TEST(whole->work.optimiser_bytes - shards->work.optimiser_bytes == 7 * .75 * 4 * whole->work.parameters, tolerance(1e-9));
  BOOST_TEST(forecast(r, shape, {2, 4}, h)->memory.moments == whole->memory.moments);
}

BOOST_AUTO_TEST_CASE(hardware_that_cannot_be_is_refused_by_name) {
  const hardware good = links(1, 1, exchange_algorithm::ring);
  const auto but = [&](auto change) {
    hardware h = good;
    change(h);
    return refusal_of(h);
  };
  BOOST_TEST(refusal_of(good).empty());
  BOOST_TEST(but([](hardware& h) { h.product_flops = 0; }).starts_with("product_flops: want a number above 0"));
  BOOST_TEST(but([](hardware& h) { h.within.bytes_per_s = -1; }).starts_with("within.bytes_per_s: "));
  BOOST_TEST(but([](hardware& h) { h.between.latency_s = std::nan(""); }).starts_with("between.latency_s: "));
  BOOST_TEST(but([](hardware& h) { h.overlap = 2; }).starts_with("overlap: want a number from 0 to 1"));
  BOOST_TEST(but([](hardware& h) { h.per_machine = 0; }).starts_with("per_machine: "));
  BOOST_TEST(but([](hardware& h) { h.crowded = 0; }).starts_with("crowded: "));
}

BOOST_AUTO_TEST_CASE(a_file_of_measured_hardware_is_read_and_refused_with_its_key) {
  const std::string start = R"({"product_flops": 2, "loss_flops": 3, "memory_bytes": 4, "row_bytes": 4, "per_machine": 4, )";
  const test::scratch_folder folder;
  const auto path = folder / "fit.json";
  std::ofstream(path) << start + R"("algorithm": "direct", "within": {"latency_s": 1, "bytes_per_s": 2}, "cores": 2, "crowded": 1.5})";
  const auto h = read_hardware(path);
  BOOST_REQUIRE_MESSAGE(h.ok(), h.failure().text());
  BOOST_TEST(h->loss_flops == 3);
  BOOST_TEST((h->algorithm == exchange_algorithm::direct));
  BOOST_TEST(h->between.bytes_per_s == 2);
  BOOST_TEST(h->cores == 2);
  BOOST_TEST(h->threads == 1);
  BOOST_TEST(h->crowded == 1.5);
  const auto names = [](const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; };
  BOOST_TEST(names(refusal_of("[]"), "want one JSON object"));
  BOOST_TEST(names(refusal_of(start + R"("speed": 1})"), "unknown key speed"));
  BOOST_TEST(names(refusal_of(start + R"("algorithm": "tree"})"), R"(algorithm: want ring or direct, got "tree")"));
  BOOST_TEST(names(refusal_of(start + R"("algorithm": "ring"})"), "within: want an object, got nothing"));
  BOOST_TEST(names(refusal_of(start + R"("algorithm": "ring", "within": {"latency_s": "1"}})"), "latency_s: want a number, got \"1\""));
  BOOST_TEST(names(refusal_of(R"({"product_flops": null})"), "product_flops: want a number, got null"));
}

BOOST_AUTO_TEST_SUITE_END()

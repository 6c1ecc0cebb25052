// Engines with a replica each, on the CPU or on devices that are taken for GPUs of their own, with a fake of NCCL between those: no GPU takes part.
// Threads   one each while they work.
#pragma once

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include "actors/training_engine.hpp"
#include "tests/actors/tiny.hpp"
#include "tests/support/fake_nccl.hpp"
#include "tests/support/far_device.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {

// By rank.
struct replicas {
  fake_nccl nccl;
  system_clock_source clock;
  std::vector<std::shared_ptr<node_engine>> engines;
  std::atomic<bool> exchanging{false};

  ~replicas() {
    engines.clear();
    for (const std::string& one : nccl.misuse()) BOOST_ERROR("misuse of NCCL: " << one);
    BOOST_TEST(nccl.destroyed() + nccl.aborted() == nccl.made());
  }

  replica_engine_settings settings(int workers, bool far) { return settings(tiny_recipe(workers), far); }
  replica_engine_settings settings(const recipe& of, bool far) {
    return {.facts = tiny_facts(of),
            .make_device = [far]() -> result<std::unique_ptr<device>> { return far ? make_far_device() : make_cpu_device(1); },
            .resume = nullptr,
            .gpu_each = true,
            .nccl = [this]() -> result<nccl_calls*> { return &nccl; }};
  }

  // Of those engines, ranks in their order.
  void form(const std::vector<std::size_t>& those) {
    auto group = make_in_process_group(static_cast<int>(those.size()));
    for (const status& end : each_of(those, [&](node_engine&engine, int rank) {
           return engine.regroup(std::move(group[static_cast<std::size_t>(rank)]), exchanging);
         }))
      require_ok(end);
  }
  // Their ranks are told too.
  std::vector<status> each_of(const std::vector<std::size_t>& those, const std::function<status(node_engine&, int)>& work) const {
    std::vector<status> ends(those.size());
    std::vector<std::jthread> threads;
    for (std::size_t r = 0; r < those.size(); ++r)
      threads.emplace_back([&, r] { ends[r] = work(*engines[those[r]], static_cast<int>(r)); });
    threads.clear();
    return ends;
  }
  std::vector<status> each(const std::function<status(node_engine&, int)>& work) const {
    std::vector<std::size_t> all(engines.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    return each_of(all, work);
  }
  void require_each(const std::function<status(node_engine&, int)>& work) const {
    for (const status& end : each(work)) require_ok(end);
  }
};

// A step of one of the ranks, with the products of all.
inline status train(node_engine& engine, int rank, int workers, std::uint64_t step, std::vector<double>* losses = nullptr) {
  const batch_share share{.global_batch = tiny_batch_size, .rank = rank, .workers = workers};
  ARGOSY_ASSIGN(const auto done, engine.run(tiny_batch(step, share), {step, 8, phase::cross_device, 1e-3}, {}));
  if (losses != nullptr) losses->push_back(done.report.loss);
  return {};
}

// All numbers of its weights and their moments. REQUIRES a group of one, or moments that are whole.
inline std::vector<float> all_of(const checkpoint_state& state) {
  std::vector<float> all;
  for (const auto& p : state.entries)
    for (const auto* each : {&p.value, &p.first, &p.second}) all.insert(all.end(), each->begin(), each->end());
  return all;
}
inline std::vector<float> weights_of(node_engine& engine) {
  const auto state = engine.capture(0);
  require_ok(state.failure());
  BOOST_TEST_REQUIRE(state->has_value());
  return all_of(**state);
}

}  // namespace argosy::test

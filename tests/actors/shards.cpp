// Ranks that hold shards of AdamW's moments: what they train has the bits of what ranks train that hold all of them.
#include <boost/test/unit_test.hpp>
#include <optional>

#include "tests/actors/replicas.hpp"
#include "tests/support/cut_group.hpp"

namespace argosy::test {
namespace {

using engine_numbers = std::vector<std::size_t>;

recipe tiny_in_shards(bool shards) {
  recipe r = tiny_recipe(1);
  r.train.shard_moments = shards;
  return r;
}

// Nodes of a job, as their groups come and go.
class nodes {
public:
  explicit nodes(bool in_shards, bool far = false) : in_shards_(in_shards), far_(far) {}

  std::size_t add() {
    auto settings = all_.settings(tiny_in_shards(in_shards_), far_);
    settings.of_node = true;
    all_.engines.push_back(make_replica_engine(std::move(settings), std::move(make_in_process_group(1).front()), all_.clock));
    require_ok(all_.engines.back()->open().failure());
    return all_.engines.size() - 1;
  }
  // Whoever has a state of `from` is in the group with its shards; without any, all begin.
  void meet(const engine_numbers& those, const engine_numbers& from) {
    std::vector<sharding> held;
    int source = -1;
    for (std::size_t rank = 0; rank < those.size(); ++rank) {
      const bool has_it = std::ranges::find(from, those[rank]) != from.end();
      held.push_back(has_it ? all_.engines[those[rank]]->held() : sharding{.of = 0});
      if (has_it && source < 0) source = static_cast<int>(rank);
    }
    const auto holders = holders_of(held);
    all_.form(those);
    for (const status& end :
         all_.each_of(those, [&](node_engine&engine, int) { return engine.share(source, in_shards_ ? holders : none_); }))
      require_ok(end);
  }
  void train_on(const engine_numbers& those, std::uint64_t step) {
    const int workers = static_cast<int>(those.size());
    for (const status& end : all_.each_of(those, [&](node_engine&engine, int rank) { return train(engine, rank, workers, step); }))
      require_ok(end);
  }
  std::vector<float> state(const engine_numbers& those) { return all_of(*checkpoint(those)); }
  std::optional<checkpoint_state> checkpoint(const engine_numbers& those) {
    std::optional<checkpoint_state> whole;
    for (const status& end : all_.each_of(those, [&](node_engine&engine, int rank) -> status {
           ARGOSY_ASSIGN(auto state, engine.capture(7));
           if (state.has_value() != (rank == 0)) return {errc::internal, "want a checkpoint at rank 0 alone"};
           if (state) whole = std::move(state);
           return {};
         }))
      require_ok(end);
    return whole;
  }
  replicas& all() noexcept { return all_; }
  node_engine& operator[](std::size_t i) { return *all_.engines[i]; }

private:
  const std::vector<std::int32_t> none_;
  bool in_shards_, far_;
  replicas all_;
};

// Four steps, the first `split` of them by `before`, the others by `after`; and what that comes to.
std::vector<float> trained_by(bool in_shards, std::size_t count, const engine_numbers& before, const engine_numbers& after,
                              bool far = false, std::uint64_t split = 2) {
  nodes job(in_shards, far);
  for (std::size_t i = 0; i < count; ++i) job.add();
  job.meet(before, {});
  for (std::uint64_t step = 0; step < split; ++step) job.train_on(before, step);
  job.meet(after, before);
  for (std::uint64_t step = split; step < 4; ++step) job.train_on(after, step);
  return job.state(after);
}

void check_same_bits(std::size_t count, const engine_numbers& before, const engine_numbers& after, bool far = false) {
  const auto want = trained_by(false, count, before, after, far), got = trained_by(true, count, before, after, far);
  BOOST_TEST(want.size() > 1000u);
  BOOST_TEST((got == want));
}

BOOST_AUTO_TEST_SUITE(moments_in_shards)

BOOST_AUTO_TEST_CASE(ranks_train_the_same_bits_whoever_holds_the_moments) {
  for (const std::size_t ranks : {1, 2, 3, 5}) {
    engine_numbers all(ranks);
    std::iota(all.begin(), all.end(), std::size_t{0});
    check_same_bits(ranks, all, all);
  }
}

BOOST_AUTO_TEST_CASE(whoever_is_lost_the_others_go_on) {
  check_same_bits(3, {0, 1, 2}, {1, 2});
  check_same_bits(3, {0, 1, 2}, {0, 2});
  check_same_bits(3, {0, 1, 2}, {1, 0});
  check_same_bits(2, {0, 1}, {1});
}

BOOST_AUTO_TEST_CASE(whoever_comes_gets_shards_too) {
  check_same_bits(3, {0, 1}, {0, 1, 2});
  check_same_bits(2, {0}, {0, 1});
  check_same_bits(5, {0, 1, 2}, {4, 1, 3, 2});  // two come, one is lost
}

BOOST_AUTO_TEST_CASE(over_nccl_too) {
  check_same_bits(3, {0, 1, 2}, {2, 1}, true);
  check_same_bits(3, {0, 1}, {1, 0, 2}, true);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_shards_is_whole_and_begins_any_number_of_ranks) {
  nodes job(true);
  for (int i = 0; i < 3; ++i) job.add();
  job.meet({0, 1, 2}, {});
  for (const std::uint64_t step : {0, 1}) job.train_on({0, 1, 2}, step);
  const auto whole = job.checkpoint({0, 1, 2});
  job.meet({0, 1}, {0, 1, 2});
  for (const std::uint64_t step : {2, 3}) job.train_on({0, 1}, step);

  nodes later(true);
  for (int i = 0; i < 2; ++i) later.add();
  require_ok(later[1].restore(*whole));
  BOOST_TEST((later[1].held() == sharding{}));
  later.meet({0, 1}, {1});
  BOOST_TEST((later[1].held() == sharding{2, 1}));
  for (const std::uint64_t step : {2, 3}) later.train_on({0, 1}, step);
  BOOST_TEST((later.state({0, 1}) == job.state({0, 1})));
}

BOOST_AUTO_TEST_CASE(a_rank_that_does_not_hold_what_it_is_said_to_refuses) {
  nodes job(true);
  for (int i = 0; i < 2; ++i) job.add();
  job.meet({0, 1}, {});
  const std::vector<std::int32_t> of_three{0, 0, 0};
  job.all().form({0});
  check_refused(job[0].share(0, of_three), errc::internal, {"does not hold shard 0 of 3"});
}

// The sums of all gradients are there and all ranks update; then one cuts the group when it is to gather rows once more than so many times: the
// products, their probabilities, then the weights of either arena. The step is done: whoever is left has it.
void check_a_cut_step(int gatherings, const engine_numbers& left) {
  const engine_numbers all{0, 1, 2};
  nodes job(true);
  for (int i = 0; i < 3; ++i) job.add();
  job.meet(all, {});
  for (const std::uint64_t step : {0, 1}) job.train_on(all, step);
  auto group = make_in_process_group(3);
  for (const status& end : job.all().each_of(all, [&](node_engine&engine, int rank) -> status {
         auto member = std::move(group[static_cast<std::size_t>(rank)]);
         ARGOSY_TRY(engine.regroup(make_cut_group(std::move(member), rank == 1 ? gatherings : no_cut), job.all().exchanging));
         const batch_share share{.global_batch = tiny_batch_size, .rank = rank, .workers = 3};
         ARGOSY_ASSIGN(const auto done, engine.run(tiny_batch(2, share), {2, 8, phase::cross_device, 1e-3}, {}));
         return done.group.code() == errc::aborted ? status{} : status(errc::internal, "want a group that is cut");
       }))
    require_ok(end);
  job.meet(left, left);
  job.train_on(left, 3);
  BOOST_TEST((job.state(left) == trained_by(false, 3, all, left, false, 3)));
}

BOOST_AUTO_TEST_CASE(a_step_that_is_cut_while_weights_are_read_is_done_all_the_same) {
  for (const int gatherings : {2, 3})
    for (const engine_numbers& left : {engine_numbers{0, 1, 2}, {0, 2}, {1, 2}, {1, 0}}) check_a_cut_step(gatherings, left);
}

BOOST_AUTO_TEST_CASE(shards_of_another_group_are_refused) {
  nodes job(true);
  for (int i = 0; i < 2; ++i) job.add();
  job.meet({0, 1}, {});
  job.all().form({1, 0});
  for (const status& end : job.all().each([](node_engine&engine, int rank) { return train(engine, 1 - rank, 2, 0); }))
    check_refused(end, errc::internal, {"does not hold its shards"});
  for (const status& end : job.all().each([](node_engine&engine, int) { return engine.capture(1).failure(); }))
    check_refused(end, errc::internal, {"does not hold its shards"});
  for (const status& end : job.all().each([](node_engine&engine, int) { return engine.share(0, {}); }))
    check_refused(end, errc::internal, {"nobody is said to hold a shard"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy::test

#include "actors/training_engine.hpp"

#include <optional>
#include <utility>

#include "actors/group_switch.hpp"
#include "actors/shard_exchange.hpp"
#include "actors/worker_places.hpp"
#include "net/nccl_group.hpp"
#include "net/on_device.hpp"

namespace argosy {
namespace {

// A bank may outlive its engine by a message that still lies in its actor's mailbox.
struct bank_on_device {
  std::shared_ptr<device> on;
  memory_bank bank;
};

class replica_engine final : public node_engine {
public:
  replica_engine(replica_engine_settings settings, std::unique_ptr<collective> group, const clock_source& clock)
      : settings_(std::move(settings)), first_(std::move(group)), rank_(first_->rank()), aborter_(first_->aborter()), clock_(&clock) {}

  int rank() const noexcept override { return rank_; }
  std::shared_ptr<abort_handle> aborter() const override { return aborter_; }

  result<std::shared_ptr<memory_bank>> open() override {
    runner_.reset();
    replica_.reset();
    group_.reset();  // it uses the device that was
    ARGOSY_ASSIGN(device_, settings_.make_device());
    ARGOSY_ASSIGN(replica_, replica::make(*device_, settings_.facts.recipe, settings_.facts.inputs));
    if (shards() && first_ && !settings_.of_node) ARGOSY_TRY(begin_shards({first_->size(), first_->rank()}));
    if (settings_.resume) ARGOSY_TRY(argosy::restore(*settings_.resume, replica_->model()));
    if (settings_.initial) ARGOSY_TRY(start_from(*settings_.initial, replica_->model()));
    if (first_) ARGOSY_TRY(join(over_device(std::move(first_))));
    return open_bank();
  }

  result<step_result> run(const batch& b, const step_plan& plan, const bank_view& bank) override {
    if (!runner_) return status(errc::unavailable, "the worker has no group");
    return runner_->run(b, plan, bank);
  }

  status regroup(std::unique_ptr<collective> group, std::atomic<bool>& exchanging) override {
    runner_.reset();  // it uses the group that was
    group_.reset();
    auto made = over_device(std::move(group));
    return join(made.ok() ? watched(std::move(*made), exchanging) : std::move(made));
  }

  collective& group() override { return *group_; }
  status restore(const checkpoint_state& state) override {
    if (shards()) ARGOSY_TRY(begin_shards({}));  // all of them, until they are shared
    return argosy::restore(state, replica_->model());
  }

  status share(int source, std::span<const std::int32_t> holders) override {
    if (source < 0) return shards() ? begin_shards({group_->size(), group_->rank()}) : status{};
    if (shards()) return share_shards(*device_, weights(), *group_, holders);
    for (const int i : {0, 1}) ARGOSY_TRY(group_->broadcast(weights().arena_of(i).value, source));
    for (auto& part : weights().moments().parts())
      for (tensor* each : {&part.first, &part.second}) ARGOSY_TRY(group_->broadcast(*each, source));
    return {};
  }

  sharding held() const override { return replica_ ? replica_->model().weights().moments().held() : sharding{.of = 0}; }

  result<std::optional<checkpoint_state>> capture(std::uint64_t steps_done) override {
    checkpoint_facts facts = settings_.facts;
    facts.steps_done = steps_done;
    const auto& model = replica_->model();
    std::optional<host_moments> shards_of_all;
    if (shards()) {
      ARGOSY_ASSIGN(shards_of_all, gather_moments(*device_, weights(), *group_));
    }
    if (rank_ != 0) return std::optional<checkpoint_state>{};
    auto state = shards_of_all ? argosy::capture(model, *shards_of_all, std::move(facts)) : argosy::capture(model, std::move(facts));
    ARGOSY_TRY(state.failure());
    return std::optional(std::move(*state));
  }

private:
  bool shards() const noexcept { return settings_.facts.recipe.train.shard_moments; }
  parameters& weights() { return replica_->model().weights(); }
  status begin_shards(const sharding& held) {
    weights().hold({});
    ARGOSY_ASSIGN(auto moments, weights().make_moments(*device_, held));
    weights().hold(std::move(moments));
    return {};
  }

  using joined = result<std::unique_ptr<collective>>;
  joined over_device(std::unique_ptr<collective> host) {
    switch (exchange_of(device_->host_reads(), host->size(), settings_.gpu_each)) {
      case exchange_way::by_host: break;
      case exchange_way::by_memory: return make_device_group(std::move(host), *device_);
      case exchange_way::by_nccl: {
        ARGOSY_ASSIGN(nccl_calls* const nccl, settings_.nccl());
        return make_nccl_group(std::move(host), *device_, *nccl);
      }
    }
    return host;
  }

  status join(joined group) {
    ARGOSY_TRY(group.failure());
    group_ = std::move(*group);
    rank_ = group_->rank();
    runner_.emplace(*replica_, *group_, settings_.facts.recipe, *clock_);
    return {};
  }

  result<std::shared_ptr<memory_bank>> open_bank() {
    const auto capacity = static_cast<std::int64_t>(settings_.facts.recipe.negatives.bank);
    if (capacity == 0) return std::shared_ptr<memory_bank>{};
    ARGOSY_ASSIGN(auto bank, memory_bank::make(*device_, capacity, replica_->model().width()));
    if (settings_.resume) ARGOSY_TRY(bank.load(settings_.resume->banks[static_cast<std::size_t>(rank())]));
    const auto both = std::make_shared<bank_on_device>(bank_on_device{device_, std::move(bank)});
    return std::shared_ptr<memory_bank>(both, &both->bank);
  }

  replica_engine_settings settings_;
  std::unique_ptr<collective> first_;            // until open(): rank_ and aborter_ are asked for by other threads
  int rank_;                                     // of a node changes with its group, and is asked for on the worker's thread alone
  const std::shared_ptr<abort_handle> aborter_;  // of the first group
  const clock_source* clock_;
  std::shared_ptr<device> device_;
  std::unique_ptr<collective> group_;  // uses the device
  std::optional<replica> replica_;
  std::optional<step_runner> runner_;
};

}  // namespace

std::shared_ptr<node_engine> make_replica_engine(replica_engine_settings settings, std::unique_ptr<collective> group,
                                                 const clock_source& clock) {
  return std::make_shared<replica_engine>(std::move(settings), std::move(group), clock);
}

}  // namespace argosy

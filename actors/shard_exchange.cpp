#include "actors/shard_exchange.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "kernels/rows.hpp"
#include "kernels/transfer.hpp"

namespace argosy {
namespace {

constexpr int arenas = adamw_moments::arenas;

std::int64_t numbers_of_arena(const parameters& weights, int arena) { return weights.arena_of(arena).value.cols(); }

view as_blocks(const view& row) { return {row.data, row.type, row.cols / arena_block, arena_block, arena_block}; }

status copy(device& on, const_view from, view to) { return from.empty() ? status{} : move_rows(on, {from, {}, {}, false}, to); }

// Of the part of the arena that the rank owns.
struct own_moments {
  std::vector<float> first, second;
};
result<own_moments> download_own(device& on, const adamw_moments& held, int arena) {
  own_moments own;
  for (const auto& part : held.parts()) {
    const bool is_own = part.arena == arena && part.shard == held.held().rank;
    if (!is_own) continue;
    ARGOSY_ASSIGN(own.first, floats_of(on, part.first));
    ARGOSY_ASSIGN(own.second, floats_of(on, part.second));
  }
  return own;
}

// At rank 0 the shards of an arena, one after the other.
result<std::vector<float>> gather_at_root(collective& group, std::int64_t arena_numbers, std::span<const float> mine) {
  std::vector<std::int64_t> bytes_of;
  for (int shard = 0; shard < group.size(); ++shard)
    bytes_of.push_back(shard_of(arena_numbers, shard, group.size()).count * static_cast<std::int64_t>(sizeof(float)));
  std::vector<float> all(group.rank() == 0 ? static_cast<std::size_t>(arena_numbers) : 0);
  ARGOSY_TRY(group.gather(std::as_bytes(mine), bytes_of, 0, std::as_writable_bytes(std::span(all))));
  return all;
}

status check_held(const parameters& weights, const collective& group) {
  if (weights.moments().held() == sharding{group.size(), group.rank()}) return {};
  return {errc::internal, "rank " + std::to_string(group.rank()) + " of " + std::to_string(group.size()) + " does not hold its shards"};
}

status check_holder(const sharding& held, std::span<const std::int32_t> holder, int rank) {
  if (holder.empty()) return {errc::internal, "nobody is said to hold a shard"};
  for (std::size_t shard = 0; shard < holder.size(); ++shard)
    if (holder[shard] == rank && (held.of != std::ssize(holder) || !held.holds(static_cast<int>(shard))))
      return {errc::internal,
              "rank " + std::to_string(rank) + " does not hold shard " + std::to_string(shard) + " of " + std::to_string(holder.size())};
  return {};
}

// From one sharding to another, piece by piece: what one shard that was and one that is to be have in common.
class resharding {
public:
  resharding(device& on, parameters& weights, collective& group, adamw_moments& next)
      : on_(&on), weights_(&weights), group_(&group), next_(&next) {}

  status move(int arena, const arena_range& piece, int holder, bool is_taken) {
    ARGOSY_TRY(group_->broadcast(weights_->arena_of(arena).value.all().column_range(piece.first, piece.count), holder));
    const bool is_holder = group_->rank() == holder;
    if (!is_taken) ARGOSY_TRY(beside_.resize(*on_, 2, piece.count));
    const adamw_moments::views to =
        is_taken ? next_->at(arena, piece) : adamw_moments::views{beside_.all().row_range(0, 1), beside_.all().row_range(1, 1)};
    if (is_holder) {
      const auto from = weights_->moments().at(arena, piece);
      ARGOSY_TRY(copy(*on_, from.first, to.first));
      ARGOSY_TRY(copy(*on_, from.second, to.second));
    }
    ARGOSY_TRY(group_->broadcast(to.first, holder));
    return group_->broadcast(to.second, holder);
  }

private:
  device* on_;
  parameters* weights_;
  collective* group_;
  adamw_moments* next_;
  tensor beside_;  // (2, numbers of a piece), where it is passed on alone
};

}  // namespace

status weight_exchange::gather() {
  ARGOSY_TRY(check_held(*weights_, *group_));
  for (int arena = 0; arena < arenas; ++arena) {
    const view all = weights_->arena_of(arena).value;
    std::vector<std::int64_t> blocks_of;
    for (int shard = 0; shard < group_->size(); ++shard) blocks_of.push_back(shard_of(all.cols, shard, group_->size()).count / arena_block);
    const arena_range own = shard_of(all.cols, group_->rank(), group_->size());
    ARGOSY_TRY(mine_.resize(*on_, 1, own.count));
    ARGOSY_TRY(copy(*on_, all.column_range(own.first, own.count), mine_));
    ARGOSY_TRY(group_->all_gather(as_blocks(mine_), blocks_of, as_blocks(all)));
  }
  return {};
}

result<std::optional<host_moments>> gather_moments(device& on, const parameters& weights, collective& group) {
  ARGOSY_TRY(check_held(weights, group));
  host_moments all;
  for (int arena = 0; arena < arenas; ++arena) {
    const auto which = static_cast<std::size_t>(arena);
    ARGOSY_ASSIGN(const own_moments own, download_own(on, weights.moments(), arena));
    ARGOSY_ASSIGN(all.first[which], gather_at_root(group, numbers_of_arena(weights, arena), own.first));
    ARGOSY_ASSIGN(all.second[which], gather_at_root(group, numbers_of_arena(weights, arena), own.second));
  }
  return group.rank() == 0 ? std::optional(std::move(all)) : std::nullopt;
}

status share_shards(device& on, parameters& weights, collective& group, std::span<const std::int32_t> holder) {
  ARGOSY_TRY(check_holder(weights.moments().held(), holder, group.rank()));
  const int before = static_cast<int>(holder.size()), now = group.size();
  ARGOSY_ASSIGN(adamw_moments next, weights.make_moments(on, {now, group.rank()}));
  resharding moves(on, weights, group, next);
  for (int arena = 0; arena < arenas; ++arena)
    for (int old = 0; old < before; ++old)
      for (int fresh = 0; fresh < now; ++fresh) {
        const std::int64_t numbers = numbers_of_arena(weights, arena);
        const arena_range piece = common(shard_of(numbers, old, before), shard_of(numbers, fresh, now));
        if (piece.count > 0) ARGOSY_TRY(moves.move(arena, piece, holder[static_cast<std::size_t>(old)], next.held().holds(fresh)));
      }
  ARGOSY_TRY(group.gather_counts(0).failure());  // nobody lets its old shards go before all have their new ones
  weights.hold(std::move(next));
  return {};
}

}  // namespace argosy

// What a node does to its replica and its bank when it meets a group, by its order (actors/node_worker.cpp, and the simulation of jobs).
// Threads  any.
#pragma once

#include <algorithm>
#include <optional>

#include "actors/job_protocol.hpp"

namespace argosy {

inline bool is_source(const node_order& order) noexcept { return order.source == order.rank; }
inline fed_how feeding_of(const node_order& order) noexcept {
  return order.source < 0 ? not_fed : static_cast<fed_how>(order.fed[static_cast<std::size_t>(order.rank)]);
}
inline bool feeds_banks(const node_order& order) noexcept {
  return std::ranges::any_of(order.fed, [](std::uint8_t how) { return how == fed_with_bank; });
}

// Nobody has a replica: each makes its own, which is the same for all; one that was trained, or was written over in part, is made anew.
inline bool begins_anew(const node_order& order, const std::optional<job_mark>& state) noexcept {
  return order.source < 0 && (!state || state->steps_done > 0);
}
inline bool restores(const node_order& order) noexcept { return order.restores && is_source(order); }
// It has no state until all of it is written.
inline bool is_written_over(const node_order& order) noexcept { return feeding_of(order) != not_fed || restores(order); }
// Of the checkpoint's banks, or the source's, the one of its rank; otherwise it keeps its own.
inline bool takes_a_bank(const node_order& order) noexcept { return feeding_of(order) == fed_with_bank || restores(order); }
inline bool gives_its_bank(const node_order& order) noexcept { return is_source(order) && !order.restores && feeds_banks(order); }

}  // namespace argosy

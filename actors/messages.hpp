// Every message between actors. How to add one: docs/adding-actors.md.
// Wire messages are plain values with an inspect function and a type id: they may travel between processes.
// Local messages carry pointers and views and stay in one process: tensors never travel through a mailbox, only the right to look at them.
#pragma once

#include <array>
#include <bit>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/error.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/type_id.hpp>
#include <cstdint>
#include <memory>
#include <optional>

#include "actors/job_protocol.hpp"
#include "actors/step_done.hpp"
#include "actors/training.hpp"
#include "data/batch.hpp"
#include "model/checkpoint.hpp"
#include "model/memory_bank.hpp"
#include "model/schedule.hpp"

namespace argosy {

// ---- wire

struct worker_ready {
  int rank = 0;
};

struct push_receipt {
  std::int64_t valid = 0;  // entries of the bank now
};

struct checkpoint_receipt {
  std::uint64_t steps_done = 0;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, step_plan& x) {
  return f(caf::meta::type_name("step_plan"), x.step, x.of, x.phase, x.rate);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, worker_ready& x) {
  return f(caf::meta::type_name("worker_ready"), x.rank);
}
// CAF 0.17 writes a NaN as -1: losses, which are none where a task is off, travel as their bits.
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, step_report& x) {
  auto loss = std::bit_cast<std::uint64_t>(x.loss);
  auto of_tasks = std::bit_cast<std::array<std::uint64_t, task_count>>(x.task_loss);
  const auto take = [&]() -> caf::error {
    x.loss = std::bit_cast<double>(loss);
    x.task_loss = std::bit_cast<std::array<double, task_count>>(of_tasks);
    return caf::none;
  };
  return f(caf::meta::type_name("step_report"), x.step, x.phase, loss, of_tasks, x.rate, x.gradient_norm, x.scale, x.candidates_product,
           x.candidates_bank, x.negatives_product, x.negatives_bank, x.hardness_product, x.hardness_bank, x.gate_image, x.pairs, x.tokens,
           x.forward_s, x.match_s, x.backward_s, x.update_s, x.gather_s, x.reduce_s, x.wait_s, x.overlap_s, caf::meta::load_callback(take));
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, step_done& x) {
  return f(caf::meta::type_name("step_done"), x.rank, x.report, x.idle_s, x.data_wait_s, x.step_s);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, push_receipt& x) {
  return f(caf::meta::type_name("push_receipt"), x.valid);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, checkpoint_receipt& x) {
  return f(caf::meta::type_name("checkpoint_receipt"), x.steps_done);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, training_end& x) {
  return f(caf::meta::type_name("training_end"), x.steps_done, x.of, x.interrupted, x.seconds, x.last_loss, x.pairs_per_s);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, job_mark& x) {
  return f(caf::meta::type_name("job_mark"), x.steps_done, x.lineage);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, sharding& x) {
  return f(caf::meta::type_name("sharding"), x.of, x.rank);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, actor_figures& x) {
  return f(caf::meta::type_name("actor_figures"), x.name, x.waiting, x.handled, x.busy_s, x.longest_s, x.starts, x.cause);
}
// CAF 0.17 knows no std::optional: a mark whose lineage is 0, which no job has, is none.
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_news& x) {
  job_mark state = x.state.value_or(job_mark{}), checkpoint = x.checkpoint.value_or(job_mark{});
  const auto take = [&]() -> caf::error {
    x.state = state.lineage == 0 ? std::nullopt : std::optional(state);
    x.checkpoint = checkpoint.lineage == 0 ? std::nullopt : std::optional(checkpoint);
    return caf::none;
  };
  return f(caf::meta::type_name("node_news"), x.node, x.number, x.name, state, checkpoint, x.held, x.group, x.stage, x.address, x.done,
           x.captured, x.not_saved, x.code, x.why, x.of_others, x.exchanging, x.stage_s, x.leaves, x.actors,
           caf::meta::load_callback(take));
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_order& x) {
  return f(caf::meta::type_name("node_order"), x.number, x.stage, x.group, x.rank, x.size, x.addresses, x.from, x.source, x.restores,
           x.holders, x.fed, x.until, x.save, x.committed, x.code, x.why);
}

// ---- local

using batch_ptr = std::shared_ptr<const batch>;
using checkpoint_ptr = std::shared_ptr<const checkpoint_state>;
using bank_snapshot_ptr = std::shared_ptr<const memory_bank::snapshot>;

// What to push, and what keeps its memory alive.
struct bank_batch {
  product_columns columns;
  std::uint64_t step = 0;
  std::shared_ptr<const void> owner;
};

// A view of the bank, valid until the next push, and what keeps its memory alive.
struct bank_lease {
  bank_view view;
  std::shared_ptr<const void> owner;
};

// One rank's share of a checkpoint. Every rank brings its bank, rank 0 the weights.
struct checkpoint_part {
  int rank = 0;
  std::shared_ptr<checkpoint_state> weights;
  bank_snapshot_ptr bank;
};

}  // namespace argosy

CAF_BEGIN_TYPE_ID_BLOCK(argosy, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(argosy, (argosy::step_plan))
CAF_ADD_TYPE_ID(argosy, (argosy::worker_ready))
CAF_ADD_TYPE_ID(argosy, (argosy::step_done))
CAF_ADD_TYPE_ID(argosy, (argosy::push_receipt))
CAF_ADD_TYPE_ID(argosy, (argosy::checkpoint_receipt))
CAF_ADD_TYPE_ID(argosy, (argosy::training_end))
CAF_ADD_TYPE_ID(argosy, (argosy::job_mark))
CAF_ADD_TYPE_ID(argosy, (argosy::node_news))
CAF_ADD_TYPE_ID(argosy, (argosy::node_order))
CAF_ADD_ATOM(argosy, argosy, run_atom, "run")
CAF_ADD_ATOM(argosy, argosy, stop_atom, "stop")
CAF_ADD_ATOM(argosy, argosy, join_atom, "join")
CAF_ADD_ATOM(argosy, argosy, step_atom, "step")
CAF_ADD_ATOM(argosy, argosy, save_atom, "save")
CAF_ADD_ATOM(argosy, argosy, evaluate_atom, "evaluate")
CAF_ADD_ATOM(argosy, argosy, next_atom, "next")
CAF_ADD_ATOM(argosy, argosy, fill_atom, "fill")
CAF_ADD_ATOM(argosy, argosy, push_atom, "push")
CAF_ADD_ATOM(argosy, argosy, view_atom, "view")
CAF_ADD_ATOM(argosy, argosy, load_atom, "load")
CAF_ADD_ATOM(argosy, argosy, gather_atom, "gather")
CAF_ADD_ATOM(argosy, argosy, meet_atom, "meet")
CAF_ADD_ATOM(argosy, argosy, keep_atom, "keep")
CAF_ADD_ATOM(argosy, argosy, news_atom, "news")
CAF_ADD_ATOM(argosy, argosy, order_atom, "order")
CAF_END_TYPE_ID_BLOCK(argosy)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(argosy::batch_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(argosy::checkpoint_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(argosy::bank_snapshot_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(argosy::bank_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(argosy::bank_lease)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(argosy::checkpoint_part)

namespace argosy {

// A configuration that knows every wire message: what each actor system of this program is made with.
struct actor_config : caf::actor_system_config {
  actor_config() { add_message_types<caf::id_block::argosy>(); }
};

}  // namespace argosy

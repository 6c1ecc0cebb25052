#include "actors/node_worker.hpp"

#include <algorithm>
#include <caf/stateful_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <numeric>
#include <utility>

#include "actors/bank_bytes.hpp"
#include "actors/error.hpp"
#include "actors/meeting.hpp"
#include "actors/step_chain.hpp"

namespace argosy {
namespace {

using pointer = node_worker_actor::stateful_pointer<node_worker_state>;
using mark_promise = caf::typed_response_promise<job_mark>;
using snapshots = std::vector<memory_bank::snapshot>;

// It is linked, so that it ends with this actor, and not this actor with it.
template <class Handle>
void dismiss(pointer self, const Handle& whom) {
  self->unlink_from(whom);
  self->send_exit(whom, caf::exit_reason::user_shutdown);
}

// ---- gather

status open_engine(pointer self) {
  auto& s = self->state;
  s.core->reset_state();
  ARGOSY_ASSIGN(const auto bank, s.core->open());
  if (s.bank) dismiss(self, s.bank);
  if (bank) {
    s.parts.of_bank->starts("the job begins anew");
    s.bank = self->spawn<caf::linked>(memory_bank_keeper, bank, s.parts.of_bank);
  }
  s.open = true;
  return {};
}

status gather_for(pointer self, group_id group, int rank, int size) {
  auto& s = self->state;
  s.core->enter(group, rank);
  gloo_place place = s.parts.place;
  place.rank = rank;
  place.size = size;
  ARGOSY_ASSIGN(s.waiting, gloo_member::open(place));
  ARGOSY_TRY(s.parts.cut->enter(group, s.waiting->aborter()));
  if (s.batches) dismiss(self, s.batches);
  s.parts.of_loader->starts("another group");
  s.batches = self->spawn<caf::detached + caf::linked>(loader, s.parts.batches(rank, size), s.parts.of, std::size_t{2}, s.parts.of_loader);
  return {};
}

caf::result<gathered> gather(pointer self, group_id group, int rank, int size) {
  auto& s = self->state;
  s.parts.own->starts(s.core->failure().ok() ? std::string() : s.core->failure().text());
  const status listens = guarded([&] { return gather_for(self, group, rank, size); });
  if (!listens.ok()) return error_of(s.core->fail(listens));
  return gathered{s.waiting->address(), s.core->state(), s.parts.engine->held(), s.parts.newest_checkpoint()};
}

// ---- meet

// What the source has, at every rank: bytes of which the others bring none.
result<std::vector<std::byte>> of_source(collective& group, std::vector<std::byte> mine) {
  ARGOSY_ASSIGN(const auto sizes, group.gather_counts(std::ssize(mine)));
  std::vector<std::byte> all(static_cast<std::size_t>(std::reduce(sizes.begin(), sizes.end())));
  ARGOSY_TRY(group.all_gather(mine, sizes, all));
  return all;
}

status take_on(pointer self, const node_order& order, snapshots& banks) {
  auto& s = self->state;
  const bool any_fed = std::ranges::any_of(order.fed, [](std::uint8_t how) { return how != not_fed; });
  if (is_written_over(order)) s.core->reset_state();  // until all of it is there
  if (restores(order)) {
    ARGOSY_ASSIGN(auto state, s.parts.read_checkpoint(order.from));
    ARGOSY_TRY(s.parts.engine->restore(state));
    banks = std::move(state.banks);
  }
  if (any_fed || order.source < 0 || !order.holders.empty()) ARGOSY_TRY(s.parts.engine->share(order.source, order.holders));
  if (!feeds_banks(order) || !s.bank) return {};
  ARGOSY_ASSIGN(const auto bytes, of_source(s.parts.engine->group(), is_source(order) ? bytes_of(banks) : std::vector<std::byte>{}));
  ARGOSY_ASSIGN(banks, snapshots_of(bytes));
  return {};
}

// Its own bank, one of the checkpoint's, or the source's.
void finish_meeting(pointer self, const node_order& order, const snapshots& banks, mark_promise promise) {
  auto& s = self->state;
  s.core->set_state(order.from);
  const auto own = static_cast<std::size_t>(order.rank);
  if (!s.bank || banks.empty() || !takes_a_bank(order)) {
    promise.deliver(order.from);
    return;
  }
  const auto bank = std::make_shared<const memory_bank::snapshot>(banks[own % banks.size()]);
  self->request(s.bank, s.patience, load_atom_v, bank_snapshot_ptr(bank))
      .await([promise, from = order.from](const push_receipt&) mutable { promise.deliver(from); },
             [self, promise](const caf::error& why) mutable { promise.deliver(error_of(self->state.core->fail(status_of(why)))); });
}

void take_on_and_finish(pointer self, const node_order& order, snapshots banks, mark_promise promise) {
  const status taken = guarded([&] { return take_on(self, order, banks); });
  if (taken.ok())
    finish_meeting(self, order, banks, promise);
  else
    promise.deliver(error_of(self->state.core->fail(taken)));
}

status connect(pointer self, const node_order& order) {
  auto& s = self->state;
  if (!s.waiting) return {errc::internal, "nobody was gathered for"};
  ARGOSY_ASSIGN(auto group, s.waiting->connect(order.addresses, s.parts.meeting));
  if (!s.open || begins_anew(order, s.core->state())) ARGOSY_TRY(open_engine(self));
  return s.parts.engine->regroup(std::move(group), s.parts.cut->exchanging_flag());
}

caf::result<job_mark> meet(pointer self, const node_order& order) {
  auto& s = self->state;
  if (!s.core->failure().ok()) return error_of(s.core->failure());
  if (const status met = guarded([&] { return connect(self, order); }); !met.ok()) return error_of(s.core->fail(met));
  auto promise = self->make_response_promise<job_mark>();
  if (!s.bank || !gives_its_bank(order)) {
    take_on_and_finish(self, order, {}, promise);
    return promise;
  }
  self->request(s.bank, s.patience, save_atom_v)
      .await([self, order, promise](const bank_snapshot_ptr& bank) { take_on_and_finish(self, order, {*bank}, promise); },
             [self, promise](const caf::error& why) mutable { promise.deliver(error_of(self->state.core->fail(status_of(why)))); });
  return promise;
}

// ---- keep

result<checkpoint_ptr> whole_checkpoint(pointer self, std::uint64_t steps_done, const bank_snapshot_ptr& bank) {
  auto& s = self->state;
  collective& group = s.parts.engine->group();
  const auto mine = bank ? bytes_of(std::span(bank.get(), 1)) : std::vector<std::byte>{};
  ARGOSY_ASSIGN(const auto sizes, group.gather_counts(std::ssize(mine)));
  const bool is_root = group.rank() == 0;
  std::vector<std::byte> all(is_root ? static_cast<std::size_t>(std::reduce(sizes.begin(), sizes.end())) : 0);
  ARGOSY_TRY(group.gather(mine, sizes, 0, all));
  ARGOSY_ASSIGN(auto state, s.parts.engine->capture(steps_done));
  if (!state) return checkpoint_ptr{};
  state->facts.workers = group.size();
  state->facts.lineage = s.core->state()->lineage;
  ARGOSY_ASSIGN(state->banks, snapshots_of(all));
  if (!bank) state->banks.resize(static_cast<std::size_t>(group.size()));
  return checkpoint_ptr(std::make_shared<const checkpoint_state>(std::move(*state)));
}

void keep_with(pointer self, std::uint64_t steps_done, const bank_snapshot_ptr& bank, caf::typed_response_promise<checkpoint_ptr> promise) {
  const auto made = guarded([&] { return whole_checkpoint(self, steps_done, bank); });
  made ? promise.deliver(*made) : promise.deliver(error_of(self->state.core->fail(made.failure())));
}

caf::result<checkpoint_ptr> keep(pointer self, std::uint64_t steps_done) {
  auto& s = self->state;
  if (!s.core->failure().ok()) return error_of(s.core->failure());
  auto promise = self->make_response_promise<checkpoint_ptr>();
  if (!s.bank) {
    keep_with(self, steps_done, nullptr, promise);
    return promise;
  }
  self->request(s.bank, s.patience, save_atom_v)
      .await([self, promise, steps_done](const bank_snapshot_ptr& bank) { keep_with(self, steps_done, bank, promise); },
             [self, promise](const caf::error& why) mutable { promise.deliver(error_of(self->state.core->fail(status_of(why)))); });
  return promise;
}

}  // namespace

node_worker_actor::behavior_type node_worker(pointer self, node_worker_parts parts) {
  auto& s = self->state;
  s.core = std::make_unique<worker_core>(parts.engine, *parts.clock);
  s.patience = parts.patience;
  s.parts = std::move(parts);
  actor_gauge* const own = s.parts.own;
  return {
      gauged(self, own, [self](gather_atom, std::uint64_t group, int rank, int size) { return gather(self, group, rank, size); }),
      gauged(self, own, [self](meet_atom, const meet_order& to) { return meet(self, to.order); }),
      [self](step_atom, const step_plan& plan) { return run_step(self, plan); },  // its report says how long it took
      gauged(self, own, [self](keep_atom, std::uint64_t steps_done) { return keep(self, steps_done); }),
  };
}

}  // namespace argosy

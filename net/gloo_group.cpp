#include "net/gloo_group.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <mutex>
#include <numeric>
#include <optional>
#include <utility>

#include "net/agreement.hpp"
#include "net/gloo_mesh.hpp"
#include "net/group_door.hpp"

namespace argosy {
namespace {

using over_gloo::buffer;
using over_gloo::mesh;
using over_gloo::waiting_list;

// Of a member, then of its group: outlives both in the hands of others.
class cutter final : public abort_handle {
public:
  void abort(status reason) override {
    std::function<void()> act;
    {
      const std::lock_guard lock(mutex_);
      if (reason_) return;
      reason_ = reason.code() == errc::aborted ? std::move(reason) : status(errc::aborted, reason.text());
      act = act_;
    }
    if (act) act();
  }
  // From now on an abort does this; one that was before does it now.
  void on_abort(std::function<void()> act) {
    {
      const std::lock_guard lock(mutex_);
      act_ = std::move(act);
      if (!reason_) return;
      act = act_;
    }
    act();
  }
  std::optional<status> reason() const {
    const std::lock_guard lock(mutex_);
    return reason_;
  }

private:
  mutable std::mutex mutex_;
  std::optional<status> reason_;
  std::function<void()> act_;
};

// What goes to a rank and comes from it; empty: nothing does.
struct parcel {
  std::span<const std::byte> out;
  std::span<std::byte> in;
};

std::size_t bytes_in(const const_view& v) { return static_cast<std::size_t>(v.rows * v.cols) * size_of(v.type); }

void pack(const const_view& from, std::span<std::byte> to) {
  const std::size_t row = static_cast<std::size_t>(from.cols) * size_of(from.type);
  for (std::int64_t r = 0; r < from.rows && row > 0; ++r)
    std::memcpy(to.data() + static_cast<std::size_t>(r) * row, from.row_range(r, 1).data, row);
}

void unpack(std::span<const std::byte> from, const view& to) {
  const std::size_t row = static_cast<std::size_t>(to.cols) * size_of(to.type);
  for (std::int64_t r = 0; r < to.rows && row > 0; ++r)
    std::memcpy(to.row_range(r, 1).data, from.data() + static_cast<std::size_t>(r) * row, row);
}

// The sum of what the parts hold, in their order; `sum` may be one of them.
template <class T>
void sum_in_order(std::span<const std::byte* const> parts, std::size_t count, std::byte* sum) {
  constexpr std::size_t block = 1024;
  std::array<T, block> held;
  for (std::size_t first = 0; first < count; first += block) {
    const std::size_t some = std::min(block, count - first), offset = first * sizeof(T);
    std::memcpy(held.data(), parts[0] + offset, some * sizeof(T));
    for (const std::byte* other : parts.subspan(1)) {
      const T* x = reinterpret_cast<const T*>(other + offset);
      for (std::size_t i = 0; i < some; ++i) held[i] += x[i];
    }
    std::memcpy(sum + offset, held.data(), some * sizeof(T));
  }
}

void sum_in_order(dtype type, std::span<const std::byte* const> parts, std::size_t bytes, std::byte* sum) {
  type == dtype::f32 ? sum_in_order<float>(parts, bytes / sizeof(float), sum) : sum_in_order<double>(parts, bytes / sizeof(double), sum);
}

// Memory that grows, and is not cleared.
class workspace {
public:
  std::span<std::byte> of(std::size_t bytes) {
    if (bytes > size_) {
      held_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
      size_ = bytes;
    }
    return {held_.get(), bytes};
  }

private:
  std::unique_ptr<std::byte[]> held_;
  std::size_t size_ = 0;
};

constexpr std::size_t sent_whole = 16 * 1024;  // sums up to here: everybody sends all to everybody, in one round instead of two

class gloo_group final : public collective {
public:
  gloo_group(std::shared_ptr<mesh> with, std::shared_ptr<cutter> cut, std::shared_ptr<group_door> door)
      : mesh_(std::move(with)), cutter_(std::move(cut)), door_(std::move(door)), farewells_(static_cast<std::size_t>(mesh_->size)) {
    cutter_->on_abort([cut_it = std::weak_ptr<mesh>(mesh_)] {
      if (const auto there = cut_it.lock()) there->cut("the group was aborted");
    });
    for (std::size_t r = 0; r < farewells_.size(); ++r) {
      if (r == own_index()) continue;
      farewells_[r] = std::make_unique<buffer>(mesh_, &farewell_, 1);
      mesh_->pair(static_cast<int>(r)).expect_farewell(*farewells_[r]);
      farewells_[r]->recv(static_cast<int>(r), farewell_slot, 0, 1);
    }
  }
  ~gloo_group() override {
    if (!cutter_->reason()) say_farewell();
    cutter_->abort({errc::aborted, rank_text(rank()) + " left its group"});
  }

  int rank() const noexcept override { return mesh_->rank; }
  int size() const noexcept override { return mesh_->size; }
  std::shared_ptr<abort_handle> aborter() const override { return cutter_; }
  status whole() const override {
    const auto why = cutter_->reason();
    return why ? *why : mesh_->waiting.loss();
  }

  status all_gather(const_view mine, std::span<const std::int64_t> rows_of, view all) override {
    return together(propose_gather(here(), mine, rows_of, all), [&] {
      const bool direct = all.contiguous();
      const auto whole = direct ? contiguous_bytes(all) : packed_.of(bytes_in(all));
      std::vector<std::size_t> bytes_of;
      for (const std::int64_t r : rows_of) bytes_of.push_back(static_cast<std::size_t>(r * mine.cols) * size_of(mine.type));
      const auto own = parts_of(whole, bytes_of)[own_index()];
      if (own.data() != mine.data) pack(mine, own);
      share(whole, bytes_of);
      if (!direct) unpack(whole, all);
    });
  }

  status all_gather(std::span<const std::byte> mine, std::span<const std::int64_t> bytes_of, std::span<std::byte> all) override {
    return together(propose_gather_bytes(here(), std::ssize(mine), bytes_of, std::ssize(all)), [&] {
      const std::vector<std::size_t> sizes_of(bytes_of.begin(), bytes_of.end());
      copy(mine, parts_of(all, sizes_of)[own_index()]);
      share(all, sizes_of);
    });
  }

  status gather(std::span<const std::byte> mine, std::span<const std::int64_t> bytes_of, int root, std::span<std::byte> all) override {
    return together(propose_gather_at_root(here(), std::ssize(mine), bytes_of, root, std::ssize(all)), [&] {
      auto parcels = no_parcels();
      if (rank() == root) {
        const auto parts = parts_of(all, {bytes_of.begin(), bytes_of.end()});
        for (std::size_t r = 0; r < parts.size(); ++r) parcels[r].in = parts[r];
        copy(mine, parts[own_index()]);
      } else {
        parcels[static_cast<std::size_t>(root)].out = mine;
      }
      exchange(parcels);
    });
  }

  result<std::vector<std::int64_t>> gather_counts(std::int64_t mine) override {
    std::vector<std::int64_t> counts;
    ARGOSY_TRY(together(propose_counts(mine), [&] {
      for (const proposal& other : heard_) counts.push_back(other.number);
    }));
    return counts;
  }

  status all_reduce(view x) override {
    return together(propose_all_reduce(x), [&] {
      const bool direct = x.contiguous();
      const auto whole = direct ? contiguous_bytes(x) : packed_.of(bytes_in(x));
      if (!direct) pack(x, whole);
      if (whole.size() <= sent_whole) {
        sum_whole(whole, x.type);
      } else {
        const auto bytes_of = even_parts(whole.size(), size_of(x.type));
        const auto parts = parts_of(whole, bytes_of);
        sum_parts({parts.begin(), parts.end()}, x.type, parts[own_index()].data());
        share(whole, bytes_of);
      }
      if (!direct) unpack(whole, x);
    });
  }

  status reduce_scatter(const_view all, std::span<const std::int64_t> rows_of, view mine) override {
    return together(propose_reduce_scatter(here(), all, rows_of, mine), [&] {
      auto whole = contiguous_bytes(all);
      if (!all.contiguous()) {
        const auto packed = packed_.of(bytes_in(all));
        pack(all, packed);
        whole = packed;
      }
      std::vector<std::span<const std::byte>> parts;
      for (const std::int64_t r : rows_of) {
        const auto bytes = static_cast<std::size_t>(r * all.cols) * size_of(all.type);
        parts.push_back(whole.first(bytes));
        whole = whole.subspan(bytes);
      }
      const auto sum = summed_.of(bytes_in(mine));
      sum_parts(parts, mine.type, sum.data());
      unpack(sum, mine);
    });
  }

  status broadcast(view x, int root) override {
    return together(propose_broadcast(here(), x, root), [&] {
      const bool direct = x.contiguous();
      const auto whole = direct ? contiguous_bytes(x) : packed_.of(bytes_in(x));
      if (rank() == root && !direct) pack(x, whole);
      // A part to each, which it gives to all: the root does not send everything to everybody.
      const auto bytes_of = even_parts(whole.size(), size_of(x.type));
      const auto parts = parts_of(whole, bytes_of);
      auto parcels = no_parcels();
      if (rank() == root) {
        for (std::size_t r = 0; r < parts.size(); ++r) parcels[r].out = parts[r];
      } else {
        parcels[static_cast<std::size_t>(root)].in = parts[own_index()];
      }
      exchange(parcels);
      share(whole, bytes_of);
      if (rank() != root && !direct) unpack(whole, x);
    });
  }

private:
  static constexpr std::uint64_t slot = 0, farewell_slot = 1;  // messages of one slot between two ranks come in their order
  static constexpr std::chrono::milliseconds to_say_farewell{1000};

  // A rank that ends its part of the last operation may leave while others are still at it.
  void say_farewell() {
    try {
      char farewell = 0;
      std::vector<std::unique_ptr<buffer>> said;
      for (int r = 0; r < size(); ++r) {
        if (r == rank()) continue;
        said.push_back(std::make_unique<buffer>(mesh_, &farewell, 1));
        said.back()->send(r, farewell_slot, 0, 1);
      }
      for (const auto& each : said) each->waitSend(nullptr, to_say_farewell);
    } catch (const std::exception&) {
      // who cannot be reached any more needs none
    }
  }

  place_in_group here() const noexcept { return {rank(), size()}; }
  std::size_t own_index() const noexcept { return static_cast<std::size_t>(rank()); }
  std::vector<parcel> no_parcels() const { return std::vector<parcel>(static_cast<std::size_t>(size())); }

  static std::span<std::byte> contiguous_bytes(const view& v) { return {static_cast<std::byte*>(v.data), bytes_in(v)}; }
  static std::span<const std::byte> contiguous_bytes(const const_view& v) { return {static_cast<const std::byte*>(v.data), bytes_in(v)}; }

  static void copy(std::span<const std::byte> from, std::span<std::byte> to) {
    if (!from.empty() && from.data() != to.data()) std::memmove(to.data(), from.data(), from.size());
  }

  std::vector<std::size_t> even_parts(std::size_t bytes, std::size_t element) const {
    const std::size_t count = bytes / element, ranks = static_cast<std::size_t>(size());
    std::vector<std::size_t> of;
    for (std::size_t r = 0; r < ranks; ++r) of.push_back((count * (r + 1) / ranks - count * r / ranks) * element);
    return of;
  }

  static std::vector<std::span<std::byte>> parts_of(std::span<std::byte> whole, const std::vector<std::size_t>& bytes_of) {
    std::vector<std::span<std::byte>> parts;
    for (const std::size_t bytes : bytes_of) {
      parts.push_back(whole.first(bytes));
      whole = whole.subspan(bytes);
    }
    return parts;
  }

  // Every rank has its own part of `whole`; afterwards all.
  void share(std::span<std::byte> whole, const std::vector<std::size_t>& bytes_of) {
    const auto parts = parts_of(whole, bytes_of);
    auto parcels = no_parcels();
    for (std::size_t r = 0; r < parts.size(); ++r) parcels[r] = {parts[own_index()], parts[r]};
    exchange(parcels);
  }

  // `sum` becomes the sum over ranks of their part of this rank; it may be `parts[rank]`.
  void sum_parts(const std::vector<std::span<const std::byte>>& parts, dtype type, std::byte* sum) {
    const std::size_t bytes = parts[own_index()].size();
    const auto theirs = received_.of(bytes * parts.size());
    auto parcels = no_parcels();
    std::vector<const std::byte*> in_order;
    for (std::size_t r = 0; r < parts.size(); ++r) {
      const auto from = theirs.subspan(r * bytes, bytes);
      parcels[r] = {parts[r], from};
      in_order.push_back(r == own_index() ? parts[r].data() : from.data());
    }
    exchange(parcels);
    sum_in_order(type, in_order, bytes, sum);
  }

  void sum_whole(std::span<std::byte> x, dtype type) {
    std::vector<std::span<const std::byte>> parts(static_cast<std::size_t>(size()), x);
    sum_parts(parts, type, x.data());
  }

  // While it lives, these are told of a rank that is lost.
  class still_waiting {
  public:
    using buffers = std::vector<std::unique_ptr<buffer>>;
    still_waiting(waiting_list& at, const buffers& from, const buffers& to) : at_(&at) {
      waiting_list::those who;
      for (const buffers* all : {&from, &to})
        for (const auto& one : *all)
          if (one) who.push_back(one->weak());
      at_->set(std::move(who));
    }
    ~still_waiting() { at_->set({}); }
    still_waiting(const still_waiting&) = delete;
    still_waiting& operator=(const still_waiting&) = delete;

  private:
    waiting_list* at_;
  };

  // Sends and receives what there is for the other ranks. Throws what Gloo does, and which rank it was is in `at_`.
  void exchange(std::span<const parcel> parcels) {
    const std::size_t ranks = parcels.size();
    std::vector<std::unique_ptr<buffer>> to(ranks), from(ranks);
    // Begins with the next rank, so that not all send to the same one first.
    const auto with_each = [&](const auto& act) {
      for (std::size_t i = 1; i < ranks; ++i) act(at_ = (own_index() + i) % ranks);
    };
    with_each([&](std::size_t r) {
      if (parcels[r].in.empty()) return;
      from[r] = std::make_unique<buffer>(mesh_, parcels[r].in.data(), parcels[r].in.size());
      from[r]->recv(static_cast<int>(r), slot, 0, parcels[r].in.size());
    });
    with_each([&](std::size_t r) {
      if (parcels[r].out.empty()) return;
      to[r] = std::make_unique<buffer>(mesh_, const_cast<std::byte*>(parcels[r].out.data()), parcels[r].out.size());
      to[r]->send(static_cast<int>(r), slot, 0, parcels[r].out.size());
    });
    const still_waiting told(mesh_->waiting, from, to);
    if (const status lost = mesh_->waiting.loss(); !lost.ok()) throw gloo::IoException(lost.message());
    with_each([&](std::size_t r) {
      if (from[r]) from[r]->waitRecv(nullptr, mesh_->getTimeout());
    });
    with_each([&](std::size_t r) {
      if (to[r]) to[r]->waitSend(nullptr, mesh_->getTimeout());
    });
  }

  status hear_all(const proposal& mine) {
    const auto own = numbers_of(mine, size());
    const std::size_t ranks = static_cast<std::size_t>(size());
    numbers_.assign(own.size() * ranks, 0);
    heard_.clear();
    auto parcels = no_parcels();
    const std::span all(numbers_);
    for (std::size_t r = 0; r < ranks; ++r)
      parcels[r] = {std::as_bytes(std::span(own)), std::as_writable_bytes(all.subspan(r * own.size(), own.size()))};
    std::ranges::copy(own, all.subspan(own_index() * own.size()).begin());
    exchange(parcels);
    for (std::size_t r = 0; r < ranks; ++r) heard_.push_back(proposal_of(all.subspan(r * own.size(), own.size())));
    return judge(heard_);
  }

  // `work` after all ranks agree. A failure of Gloo ends the group.
  template <class Work>
  status together(const proposal& mine, Work work) {
    if (const auto why = cutter_->reason()) return *why;
    at_ = own_index();
    try {
      ARGOSY_TRY(hear_all(mine));
      work();
      return {};
    } catch (const std::exception& failed) {
      status why = mesh_->waiting.loss();
      if (why.ok()) why = {errc::aborted, rank_text(static_cast<std::int64_t>(at_)) + ": " + failed.what()};
      cutter_->abort(std::move(why));
      return *cutter_->reason();
    }
  }

  std::shared_ptr<mesh> mesh_;
  std::shared_ptr<cutter> cutter_;
  std::shared_ptr<group_door> door_;  // its tunnels
  char farewell_ = 0;
  std::vector<std::unique_ptr<buffer>> farewells_;  // by rank, received once
  std::size_t at_ = 0;
  std::vector<std::int64_t> numbers_;
  std::vector<proposal> heard_;
  workspace packed_, received_, summed_;
};

}  // namespace

struct gloo_member::impl {
  place_in_group at;
  std::chrono::milliseconds patience;
  std::shared_ptr<group_door> door;
  std::shared_ptr<cutter> cut = std::make_shared<cutter>();
};

gloo_member::gloo_member(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
gloo_member::gloo_member(gloo_member&&) noexcept = default;
gloo_member& gloo_member::operator=(gloo_member&&) noexcept = default;
gloo_member::~gloo_member() = default;
const std::string& gloo_member::address() const noexcept { return impl_->door->address(); }
std::shared_ptr<abort_handle> gloo_member::aborter() const { return impl_->cut; }

result<gloo_member> gloo_member::open(const gloo_place& place) {
  const place_in_group at{place.rank, place.size};
  ARGOSY_ASSIGN(auto door, group_door::open(at, place.host, place.credentials));
  auto made = std::make_unique<impl>(impl{at, place.patience, std::move(door)});
  made->cut->on_abort([stop = std::weak_ptr<group_door>(made->door)] {
    if (const auto there = stop.lock()) there->stop();
  });
  return gloo_member(std::move(made));
}

result<std::unique_ptr<collective>> gloo_member::connect(std::span<const std::string> addresses, std::chrono::milliseconds within) {
  auto sockets = impl_->door->meet(addresses, within);
  if (!sockets.ok()) return impl_->cut->reason().value_or(sockets.failure());
  try {
    auto with = std::make_shared<mesh>(over_gloo::shared_device(), impl_->at, impl_->patience);
    for (int r = 0; r < impl_->at.size; ++r)
      if (r != impl_->at.rank) with->pair(r).adopt(std::exchange((*sockets)[static_cast<std::size_t>(r)], -1));
    return std::unique_ptr<collective>(std::make_unique<gloo_group>(std::move(with), impl_->cut, impl_->door));
  } catch (const std::exception& why) {
    for (const int left : *sockets)
      if (left >= 0) ::close(left);  // so that the others hear of it
    return impl_->cut->reason().value_or(status(errc::aborted, std::string("Gloo: ") + why.what()));
  }
}

}  // namespace argosy

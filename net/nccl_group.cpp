#include "net/nccl_group.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "kernels/rows.hpp"
#include "net/agreement.hpp"
#include "net/forwarding_group.hpp"

namespace argosy {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds to_leave{5};

// Between two questions: short, so that a short operation does not wait for it; then longer.
class growing_pause {
public:
  void operator()() {
    std::this_thread::sleep_for(next_);
    next_ = std::min(2 * next_, longest);
  }

private:
  static constexpr std::chrono::microseconds longest{500};
  std::chrono::microseconds next_{10};
};

// What a rank says of itself before there is a communicator.
struct introduction {
  std::int64_t version = 0;
  gpu_mark gpu{};
  nccl_id id{};  // of rank 0
};

// Of that rank, beside those before it.
status check_introduction(const std::vector<introduction>& all, std::size_t r) {
  const std::string here = rank_text(static_cast<std::int64_t>(r));
  if (all[r].version != all[0].version)
    return {errc::version_mismatch, "want one NCCL, rank 0 has " + nccl_version_text(static_cast<int>(all[0].version)) + ", " + here +
                                        " has " + nccl_version_text(static_cast<int>(all[r].version))};
  for (std::size_t before = 0; before < r; ++before)
    if (all[before].gpu == all[r].gpu)
      return {errc::invalid_argument,
              "want a GPU each, " + rank_text(static_cast<std::int64_t>(before)) + " and " + here + " are on the same one"};
  return {};
}

// The first that does not fit is told why; the others, that it is not their fault.
status check_introductions(const std::vector<introduction>& all, std::size_t own) {
  for (std::size_t r = 1; r < all.size(); ++r)
    if (status fits = check_introduction(all, r); !fits.ok()) return r == own ? fits : status(errc::aborted, fits.message());
  return {};
}

std::size_t numbers_in(const const_view& v) { return static_cast<std::size_t>(v.rows * v.cols); }

// A rank's part of a communicator, for the group and those beside it.
class membership {
public:
  membership(std::unique_ptr<collective> host, nccl_calls& nccl) : host_(std::move(host)), nccl_(&nccl) {}
  membership(const membership&) = delete;
  membership& operator=(const membership&) = delete;

  ~membership() {
    if (communicator_ == nullptr) return;
    if (host_->whole().ok() &&
        settled("ncclCommFinalize", nccl_->finalize(communicator_), std::chrono::steady_clock::now() + to_leave).ok())
      static_cast<void>(nccl_->destroy(std::exchange(communicator_, nullptr)));
    else
      end_communicator();
  }

  // Once, before anything else.
  status begin(device& on, std::chrono::milliseconds to_join) {
    auto all = introduce(on);
    if (!all.ok()) return fail(all.failure());
    if (status fits = check_introductions(*all, static_cast<std::size_t>(rank())); !fits.ok()) {
      static_cast<void>(host_->gather_counts(0));  // all have heard it: nobody is cut off before
      return fits;
    }
    status joined = join(all->front().id, on, std::chrono::steady_clock::now() + to_join);
    return joined.ok() ? joined : fail(std::move(joined));
  }

  collective& host() const noexcept { return *host_; }
  int rank() const noexcept { return host_->rank(); }
  int size() const noexcept { return host_->size(); }

  // The group is no more, on any rank.
  status fail(status why) {
    host_->aborter()->abort(why);
    end_communicator();
    return why;
  }

  status call(nccl_operation what, const nccl_work& work, device& on) {
    ARGOSY_TRY(settled(name_of(what), nccl_->enqueue(what, work, communicator_, on)));
    return done(name_of(what), on);
  }

  // One operation for every rank's rows of `whole`, together.
  template <class View, class WorkOf>
  status call_for_each(nccl_operation what, View whole, std::span<const std::int64_t> rows_of, device& on, WorkOf work_of) {
    ARGOSY_TRY(failure("ncclGroupStart", nccl_->group_start()));
    status noted;
    std::int64_t first = 0;
    for (int r = 0; r < size(); ++r) {
      const std::int64_t rows = rows_of[static_cast<std::size_t>(r)];
      const View part = whole.row_range(std::exchange(first, first + rows), rows);
      if (rows == 0 || !noted.ok()) continue;
      noted = failure(name_of(what), nccl_->enqueue(what, work_of(r, part), communicator_, on));
    }
    const nccl_said ended = nccl_->group_end();  // whatever was noted: it belongs to the start
    ARGOSY_TRY(noted);
    ARGOSY_TRY(settled(name_of(what), ended));
    return done(name_of(what), on);
  }

private:
  result<std::vector<introduction>> introduce(device& on) {
    introduction own{.version = nccl_->version()};
    ARGOSY_ASSIGN(own.gpu, nccl_->gpu_of(on));
    if (rank() == 0) ARGOSY_TRY(settled("ncclGetUniqueId", nccl_->get_unique_id(own.id)));
    std::vector<introduction> all(static_cast<std::size_t>(size()));
    const std::vector<std::int64_t> bytes_of(all.size(), sizeof own);
    ARGOSY_TRY(host_->all_gather(std::as_bytes(std::span(&own, 1)), bytes_of, std::as_writable_bytes(std::span(all))));
    return all;
  }

  status join(const nccl_id& id, device& on, std::chrono::steady_clock::time_point until) {
    const nccl_said said = nccl_->init_rank(communicator_, size(), id, rank(), on);
    return settled("ncclCommInitRankConfig", said, until);
  }

  void end_communicator() {
    if (communicator_ != nullptr) static_cast<void>(nccl_->abort(std::exchange(communicator_, nullptr)));
  }

  status failure(std::string_view call, nccl_said said) {
    if (said == nccl_said::success || said == nccl_said::in_progress) return {};
    return {said == nccl_said::remote_error ? errc::aborted : errc::unavailable,
            "NCCL: " + std::string(call) + ": " + nccl_->error_text(said, communicator_)};
  }

  // Until what the call began has ended.
  status settled(std::string_view call, nccl_said said, std::optional<std::chrono::steady_clock::time_point> until = {}) {
    for (growing_pause wait; said == nccl_said::in_progress; wait()) {
      ARGOSY_TRY(host_->whole());
      if (until && std::chrono::steady_clock::now() > *until)
        return {errc::unavailable, "NCCL: " + std::string(call) + ": it takes too long"};
      said = nccl_->state(communicator_);
    }
    return failure(call, said);
  }

  // Until the device has done what it was asked for.
  status done(std::string_view call, device& on) {
    for (growing_pause wait;; wait()) {
      ARGOSY_ASSIGN(const bool idle, nccl_->is_idle(on));
      ARGOSY_TRY(failure(call, nccl_->state(communicator_)));
      if (idle) return {};
      ARGOSY_TRY(host_->whole());
    }
  }

  std::unique_ptr<collective> host_;
  nccl_calls* nccl_;
  nccl_communicator communicator_ = nullptr;
};

class nccl_group final : public forwarding_group {
public:
  nccl_group(std::shared_ptr<membership> in, device& on) : forwarding_group(in->host()), in_(std::move(in)), on_(&on) {}

  using forwarding_group::all_gather;

  std::unique_ptr<collective> beside(device& on) override { return std::make_unique<nccl_group>(in_, on); }

  status all_gather(const_view mine, std::span<const std::int64_t> rows_of, view all) override {
    if (mine.type == dtype::f64) return host().all_gather(mine, rows_of, all);
    return together(propose_gather(here(), mine, rows_of, all), all, [&]() -> status {
      ARGOSY_ASSIGN(const const_view from, packed(mine));
      ARGOSY_ASSIGN(const view to, room_for(all));
      if (are_equal(rows_of))
        ARGOSY_TRY(in_->call(nccl_operation::all_gather, {from.data, to.data, numbers_in(from), from.type}, *on_));
      else
        ARGOSY_TRY(in_->call_for_each(nccl_operation::broadcast, to, rows_of, *on_, [&](int of, const view& part) {
          return nccl_work{of == rank() ? from.data : part.data, part.data, numbers_in(part), part.type, of};
        }));
      return unpack(to, all);
    });
  }

  status all_reduce(view x) override {
    if (x.type == dtype::f64) return host().all_reduce(x);
    return together(propose_all_reduce(x, true), x, [&]() -> status {
      ARGOSY_ASSIGN(const const_view from, packed(x));
      ARGOSY_ASSIGN(const view to, room_for(x));
      ARGOSY_TRY(in_->call(nccl_operation::all_reduce, {from.data, to.data, numbers_in(to), to.type}, *on_));
      return unpack(to, x);
    });
  }

  status reduce_scatter(const_view all, std::span<const std::int64_t> rows_of, view mine) override {
    if (all.type == dtype::f64) return host().reduce_scatter(all, rows_of, mine);
    return together(propose_reduce_scatter(here(), all, rows_of, mine, true), all, [&]() -> status {
      ARGOSY_ASSIGN(const const_view from, packed(all));
      ARGOSY_ASSIGN(const view to, room_for(mine));
      if (are_equal(rows_of))
        ARGOSY_TRY(in_->call(nccl_operation::reduce_scatter, {from.data, to.data, numbers_in(to), to.type}, *on_));
      else
        ARGOSY_TRY(in_->call_for_each(nccl_operation::reduce, from, rows_of, *on_, [&](int of, const const_view& part) {
          return nccl_work{part.data, of == rank() ? to.data : nullptr, numbers_in(part), part.type, of};
        }));
      return unpack(to, mine);
    });
  }

  status broadcast(view x, int root) override {
    if (x.type == dtype::f64) return host().broadcast(x, root);
    return together(propose_broadcast(here(), x, root), x, [&]() -> status {
      ARGOSY_ASSIGN(const const_view from, rank() == root ? packed(x) : result<const_view>(const_view{}));
      ARGOSY_ASSIGN(const view to, room_for(x));
      ARGOSY_TRY(
          in_->call(nccl_operation::broadcast, {rank() == root ? from.data : to.data, to.data, numbers_in(to), to.type, root}, *on_));
      return unpack(to, x);
    });
  }

private:
  struct buffer {
    std::shared_ptr<std::byte> memory;
    std::size_t bytes = 0;
  };

  collective& host() const noexcept { return in_->host(); }
  place_in_group here() const noexcept { return {rank(), size()}; }

  // `work` after all ranks agree, where there is anything in `whole`, which is of one shape on all ranks. A failure of it ends the group.
  template <class Work>
  status together(const proposal& mine, const const_view& whole, Work work) {
    heard_.clear();
    if (status heard = hear_all(mine); !heard.ok()) return heard.code() == errc::aborted ? in_->fail(std::move(heard)) : heard;
    ARGOSY_TRY(judge(heard_));
    if (numbers_in(whole) == 0) return {};
    status worked = work();
    return worked.ok() ? worked : in_->fail(std::move(worked));
  }

  status hear_all(const proposal& mine) {
    const auto own = numbers_of(mine, size());
    numbers_.resize(own.size() * static_cast<std::size_t>(size()));
    const std::vector<std::int64_t> bytes_of(static_cast<std::size_t>(size()), std::ssize(own) * 8);
    ARGOSY_TRY(host().all_gather(std::as_bytes(std::span(own)), bytes_of, std::as_writable_bytes(std::span(numbers_))));
    for (std::size_t r = 0; r < bytes_of.size(); ++r)
      heard_.push_back(proposal_of(std::span(numbers_).subspan(r * own.size(), own.size())));
    return {};
  }

  static bool are_equal(std::span<const std::int64_t> rows_of) {
    return std::ranges::all_of(rows_of, [&](std::int64_t rows) { return rows == rows_of.front(); });
  }

  // Of v's shape, without gaps.
  result<view> shaped(buffer& in, const const_view& v) {
    const std::size_t wanted = numbers_in(v) * size_of(v.type);
    if (wanted > in.bytes) {
      in = {};
      ARGOSY_ASSIGN(in.memory, on_->allocate(wanted));
      in.bytes = wanted;
    }
    return view{in.memory.get(), v.type, v.rows, v.cols, v.cols};
  }

  result<const_view> packed(const const_view& v) {
    if (v.contiguous()) return v;
    ARGOSY_ASSIGN(const view there, shaped(sent_, v));
    ARGOSY_TRY(move_rows(*on_, {v, {}, {}, false}, there));
    return const_view(there);
  }

  // Where `v` is received: there, or beside it until unpack().
  result<view> room_for(const view& v) { return v.contiguous() ? result<view>(v) : shaped(received_, v); }
  status unpack(const view& from, const view& to) {
    return from.data == to.data || to.empty() ? status{} : move_rows(*on_, {from, {}, {}, false}, to);
  }

  std::shared_ptr<membership> in_;
  device* on_;
  buffer sent_, received_;
  std::vector<std::int64_t> numbers_;
  std::vector<proposal> heard_;
};

}  // namespace

result<std::unique_ptr<collective>> make_nccl_group(std::unique_ptr<collective> host, device& on, nccl_calls& nccl,
                                                    std::chrono::milliseconds to_join) {
  auto in = std::make_shared<membership>(std::move(host), nccl);
  ARGOSY_TRY(in->begin(on, to_join));
  return std::unique_ptr<collective>(std::make_unique<nccl_group>(std::move(in), on));
}

}  // namespace argosy
